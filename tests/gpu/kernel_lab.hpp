// What tests of single kernels share: tensors on the device in either storage type beside what the device really holds,
// the operations of a step, and how far two tensors are apart. Owned by a test; one thread.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <functional>

#include "runner/workload/base/random.hpp"
#include "runner/workload/cuda/ops.hpp"
#include "runner/workload/kernels/kernel.hpp"
#include "tests/gpu/support.hpp"

namespace smgate::workload::test {

using Values = std::vector<float>;
using cuda::Address;
using cuda::Storage;

inline Values random_values(std::size_t count, std::uint64_t seed, float deviation = 1.0f) {
  Random random(seed);
  Values values(count);
  std::generate(values.begin(), values.end(), [&] { return deviation * random.normal(); });
  return values;
}

inline std::vector<std::int32_t> random_tokens(std::size_t count, std::uint32_t vocab, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::int32_t> tokens(count);
  std::generate(tokens.begin(), tokens.end(), [&] { return static_cast<std::int32_t>(random.below(vocab)); });
  return tokens;
}

// To the nearest, ties to even: as every store of bf16 is.
inline float rounded_to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return std::bit_cast<float>((bits + 0x7fffu + ((bits >> 16) & 1u)) & 0xffff0000u);
}

inline Values sum_of(const Values& a, const Values& b) {
  Values sum(a.size());
  std::transform(a.begin(), a.end(), b.begin(), sum.begin(), std::plus<>());
  return sum;
}

// ||a - b|| / ||b||
inline double distance(const Values& a, const Values& b) {
  double difference = 0.0;
  double size = 0.0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    difference += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
    size += std::pow(static_cast<double>(b[i]), 2);
  }
  return std::sqrt(difference / size);
}

// Runs a kernel's CPU reference.
inline void reference(const Body& body, const Args& args) { body.definition().cpu(body, args); }

class Lab {
 public:
  Lab(GpuParts& parts, Storage storage)
      : storage_(storage),
        driver_(parts.device().driver()),
        gemms_(parts.device(), storage == Storage::kBf16 ? Math::kBf16 : Math::kFp32, nullptr),
        stream_(driver_),
        engine_{parts.cache(), parts.device(), gemms_, stream_.handle(), stream_.handle(), storage, {}} {}

  cuda::CudaOps ops() { return cuda::CudaOps(engine_, "kernels"); }
  Storage storage() const { return storage_; }
  const char* name() const { return storage_ == Storage::kBf16 ? "bf16" : "f32"; }

  // As the storage type holds them.
  Values stored(Values values) const {
    if (storage_ == Storage::kBf16) std::transform(values.begin(), values.end(), values.begin(), rounded_to_bf16);
    return values;
  }

  template <class T>
  Address put(const std::vector<T>& values) {
    const Address address = room_bytes(values.size() * sizeof(T));
    check(driver_, driver_.memcpy_h_to_d(address, values.data(), values.size() * sizeof(T)), "cuMemcpyHtoD");
    return address;
  }
  // Of values that stored() gave.
  Address put_stored(const Values& values) {
    if (storage_ == Storage::kF32) return put(values);
    std::vector<std::uint16_t> halves(values.size());
    std::transform(values.begin(), values.end(), halves.begin(),
                   [](float value) { return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16); });
    return put(halves);
  }

  // Room for floats, every one not a number: an element that no kernel writes is seen.
  Address room(std::size_t count) { return room_bytes(count * sizeof(float)); }

  Values floats(Address from, std::size_t count) { return read<float>(from, count); }
  Values stored_at(Address from, std::size_t count) {
    if (storage_ == Storage::kF32) return floats(from, count);
    const auto halves = read<std::uint16_t>(from, count);
    Values values(count);
    std::transform(halves.begin(), halves.end(), values.begin(),
                   [](std::uint16_t half) { return std::bit_cast<float>(static_cast<std::uint32_t>(half) << 16); });
    return values;
  }

  // The error of each tensor beside what it may be, for whoever reads the log.
  void expect_near(const char* tensor, const Values& got, const Values& wanted, double f32, double bf16) const {
    const double allowed = storage_ == Storage::kBf16 ? bf16 : f32;
    const double error = distance(got, wanted);
    std::printf("| %s | %s | %.1e | %.1e |\n", tensor, name(), error, allowed);
    EXPECT_LE(error, allowed) << tensor << " in " << name();
  }

 private:
  Address room_bytes(std::size_t bytes) {
    buffers_.emplace_back(driver_, bytes);
    check(driver_, driver_.memset_d8_async(buffers_.back().address(), 0xff, bytes, stream_.handle()),
          "cuMemsetD8Async");
    stream_.synchronize();
    return buffers_.back().address();
  }

  template <class T>
  std::vector<T> read(Address from, std::size_t count) {
    std::vector<T> values(count);
    stream_.synchronize();
    check(driver_, driver_.memcpy_d_to_h(values.data(), from, count * sizeof(T)), "cuMemcpyDtoH");
    return values;
  }

  Storage storage_;
  const cuda::Driver& driver_;
  cuda::Gemms gemms_;
  cuda::Stream stream_;
  cuda::Engine engine_;
  std::vector<cuda::DeviceBuffer> buffers_;
};

// Runs each test in both storage types.
class GpuKernel : public Gpu {
 protected:
  template <class Test>
  void in_both(Test test) {
    for (const Storage storage : {Storage::kF32, Storage::kBf16}) {
      Lab lab(*parts_, storage);
      test(lab);
    }
  }
};

}  // namespace smgate::workload::test
