#include "runner/workload/cuda/memory.hpp"

#include <algorithm>

namespace smgate::workload::cuda {

namespace {

constexpr std::size_t kStagingBytes = std::size_t{64} << 20;  // of a checkpoint's bytes on their way to the device
// Of a checkpoint, copied at once through page-locked memory, which takes as long to get as a copy of 20 times its
// size.
constexpr std::size_t kStretchFloats = std::size_t{32} << 18;
static_assert(kStretchFloats * sizeof(float) % kDigestPieceBytes == 0);
constexpr std::uint32_t kOne = 0x3f800000u;  // 1.0f

// Where element `place` of a model lies: as T among its matrices, as fp32 in its master or among its vectors; 0: not.
struct Destination {
  Address copy, master;
};

Destination destination(std::size_t place, std::size_t matrices, Address copies, Address vectors, Address master,
                        std::size_t element_bytes) {
  const bool matrix = place < matrices;
  if (!matrix) return {0, vectors + (place - matrices) * sizeof(float)};
  const Address wide = master == 0 ? 0 : master + place * sizeof(float);
  const Address copy = copies + place * element_bytes;
  return {copy == wide ? 0 : copy, wide};
}

void seed(const CudaOps& ops, const Engine& engine, const Layout& layout, const Places& places,
          const std::vector<SeededTensor>& recipes) {
  const Driver& driver = engine.device.driver();
  for (std::size_t i = 0; i < layout.tensors.size(); ++i) {
    const SeededTensor& recipe = recipes[i];
    const std::size_t count = layout.tensors[i].count;
    const Destination to = destination(layout.places[i], layout.matrices, places.matrices, places.vectors,
                                       places.master, engine.element_bytes());
    if (recipe.kind == SeededTensor::Kind::kNormal) {
      ops.seeded_normal(to.copy, to.master, recipe.state, recipe.deviation, count);
    } else if (recipe.kind == SeededTensor::Kind::kOne) {
      check(driver, driver.memset_d32_async(to.master, kOne, count, engine.main), "cuMemsetD32Async");
    }
  }
}

void load(const CudaOps& ops, const Engine& engine, const Layout& layout, const Places& places,
          const WeightSource& weights) {
  const Driver& driver = engine.device.driver();
  const DeviceBuffer staging(driver, kStagingBytes);
  std::size_t index = 0;
  weights.for_each_tensor([&](const TensorInfo& tensor, Dtype dtype, std::span<const std::byte> values) {
    const std::size_t place = layout.places[index++];
    const std::size_t size = smgate::workload::bytes_of(dtype);
    const std::uint32_t code = dtype == Dtype::kF32 ? 0 : dtype == Dtype::kF16 ? 1 : 2;
    for (std::size_t done = 0; done < tensor.count;) {
      const std::size_t count = std::min(tensor.count - done, kStagingBytes / size);
      check(driver, driver.memcpy_h_to_d(staging.address(), values.data() + done * size, count * size), "cuMemcpyHtoD");
      const Destination to = destination(place + done, layout.matrices, places.matrices, places.vectors, places.master,
                                         engine.element_bytes());
      ops.convert_weights(to.copy, to.master, staging.address(), code, count);
      check(driver, driver.stream_synchronize(engine.main), "cuStreamSynchronize");
      done += count;
    }
  });
}

}  // namespace

std::uint64_t bytes_of(const std::vector<Part>& parts) {
  std::uint64_t bytes = 0;
  for (const Part& part : parts) bytes += part.bytes;
  return bytes;
}

void Memory::allocate(const std::vector<Part>& parts, CUstream stream, events::Here at) {
  for (const Part& part : parts) {
    try {
      buffers_.emplace_back(driver_, part.bytes);
    } catch (const RunFailure& failure) {
      writer_.alloc(part.name, part.bytes, false, at);
      std::size_t free = 0;
      std::size_t total = 0;
      check(driver_, driver_.mem_get_info(&free, &total), "cuMemGetInfo");
      throw RunFailure(std::string(failure.what()) + ": " + part.name + " wants " + std::to_string(part.bytes) +
                       " bytes, " + std::to_string(free) + " are free");
    }
    writer_.alloc(part.name, part.bytes, true, at);
    *part.address = buffers_.back().address();
    check(driver_, driver_.memset_d8_async(*part.address, 0, part.bytes, stream), "cuMemsetD8Async");
  }
}

void upload_weights(const CudaOps& ops, const Engine& engine, const Layout& layout, const Places& places,
                    const WeightSource& weights) {
  if (weights.recipes() != nullptr) {
    seed(ops, engine, layout, places, *weights.recipes());
  } else {
    load(ops, engine, layout, places, weights);
  }
}

void copy_out(const Driver& driver, const Layout& layout, Address base, const Trainer::VisitStretch& visit) {
  const HostBuffer buffer(driver, kStretchFloats * sizeof(float));
  auto* values = static_cast<float*>(buffer.data());
  for (std::size_t i = 0; i < layout.tensors.size(); ++i) {
    const std::size_t all = layout.tensors[i].count;
    for (std::size_t first = 0; first < all; first += kStretchFloats) {
      const std::size_t count = std::min(kStretchFloats, all - first);
      const Address from = base + (layout.places[i] + first) * sizeof(float);
      check(driver, driver.memcpy_d_to_h(values, from, count * sizeof(float)), "cuMemcpyDtoH");
      visit({i, first, {values, count}});
    }
  }
}

}  // namespace smgate::workload::cuda
