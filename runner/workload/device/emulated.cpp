#include "runner/workload/device/emulated.hpp"

#include <array>
#include <cstring>

#include "runner/workload/base/outcome.hpp"

namespace smgate::workload {

namespace {

constexpr std::array<EmulatedDevice, 2> kDevices = {{
    {"sm_89", "NVIDIA GeForce RTX 4090, played by the CPU reference", 24564ull << 20, false, false},
    {"sm_121", "NVIDIA GB10, played by the CPU reference", 128'500'000'000ull, true, true},
}};

}  // namespace

const EmulatedDevice* find_emulated(std::string_view arch) {
  for (const EmulatedDevice& device : kDevices) {
    if (device.arch == arch) return &device;
  }
  return nullptr;
}

std::string emulated_archs() {
  std::string list;
  for (const EmulatedDevice& device : kDevices) list += (list.empty() ? "" : ", ") + std::string(device.arch);
  return list;
}

EmulatedBackend::EmulatedBackend(const EmulatedDevice& device, events::Writer& writer)
    : info_{std::string(device.arch), std::string(device.name), device.memory_bytes, device.unified, true},
      late_compile_poisons_(device.late_compile_poisons),
      writer_(writer) {}

void EmulatedBackend::report_memory() {
  writer_.memory(info_.memory_bytes - used_bytes_, info_.memory_bytes, info_.unified);
}

void EmulatedBackend::reserve(const std::string& name, std::uint64_t bytes, events::Here at) {
  const bool fits = bytes <= info_.memory_bytes - used_bytes_;
  writer_.alloc(name, bytes, fits, at);
  if (!fits) {
    throw RunFailure("CUDA error: CUDA_ERROR_OUT_OF_MEMORY (2): out of memory: " + std::to_string(bytes) +
                     " bytes asked for, " + std::to_string(info_.memory_bytes - used_bytes_) + " free");
  }
  used_bytes_ += bytes;
}

void* EmulatedBackend::allocate(const std::string& name, std::size_t bytes, events::Here at) {
  reserve(name, bytes, at);
  memory_.push_back(std::make_unique<std::vector<float>>((bytes + sizeof(float) - 1) / sizeof(float)));
  return memory_.back()->data();
}

void EmulatedBackend::copy_in(void* to_device, const void* from_host, std::size_t bytes) {
  std::memcpy(to_device, from_host, bytes);
}

void EmulatedBackend::copy_out(void* to_host, const void* from_device, std::size_t bytes) {
  std::memcpy(to_host, from_device, bytes);
}

void EmulatedBackend::zero(void* on_device, std::size_t bytes) { std::memset(on_device, 0, bytes); }

// A loaded module takes device memory: what unused kernels cost.
void EmulatedBackend::load(Module& module) { used_bytes_ += module.code.size(); }

void EmulatedBackend::late_compile() { poisoned_ = poisoned_ || late_compile_poisons_; }

void EmulatedBackend::launch(const Module& module, std::string_view entry, const Args& args) {
  // The driver's own words, and as on the real device no word of the kernel.
  if (poisoned_) {
    throw RunFailure("CUDA error: CUDA_ERROR_ILLEGAL_ADDRESS (700): an illegal memory access was encountered");
  }
  if (module.body.kernel() != entry) {
    throw RunFailure("CUDA error: CUDA_ERROR_NOT_FOUND (500): named symbol not found");
  }
  module.body.definition().cpu(module.body, args);
}

void EmulatedBackend::library_gemm(GemmShape shape, float* y, const float* x, const float* w) {
  const Body body = bodies::gemm_forward(shape);
  body.definition().cpu(body, {y, x, w});
}

}  // namespace smgate::workload
