#include "runner/workload/cuda/device.hpp"

#include <array>

#include "runner/workload/base/host_memory.hpp"

namespace smgate::workload::cuda {

namespace {

constexpr std::size_t kNameBytes = 256;

DeviceInfo describe(const Context& context) {
  const Driver& driver = context.driver();
  std::array<char, kNameBytes> name{};
  check(driver, driver.device_get_name(name.data(), static_cast<int>(name.size()), context.device()),
        "cuDeviceGetName");
  std::size_t bytes = 0;
  check(driver, driver.device_total_mem(&bytes, context.device()), "cuDeviceTotalMem");
  const int major = context.attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
  const int minor = context.attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
  const bool unified = context.attribute(CU_DEVICE_ATTRIBUTE_INTEGRATED) != 0;
  return {"sm_" + std::to_string(major) + std::to_string(minor), name.data(), bytes, unified, false};
}

}  // namespace

CudaDevice::CudaDevice(const Driver& driver, int ordinal, events::Writer& writer)
    : driver_(driver), writer_(writer), context_(driver, ordinal), info_(describe(context_)) {}

void CudaDevice::report_memory() {
  std::size_t free = 0;
  std::size_t total = 0;
  check(driver_, driver_.mem_get_info(&free, &total), "cuMemGetInfo");
  // Where host and device share one memory the driver counts the page cache as used.
  if (info_.unified) {
    const HostMemory host = host_memory();
    if (host.available_bytes > 0) {
      free = host.available_bytes;
      total = host.total_bytes;
    }
  }
  writer_.memory(free, total, info_.unified);
}

void CudaDevice::load(Module& module) {
  modules_.push_back(std::make_unique<LoadedModule>(driver_, module.code));
  module.handle = modules_.back().get();
}

}  // namespace smgate::workload::cuda
