#include "runner/workload/cuda/device.hpp"

#include <array>

#include "runner/workload/base/host_memory.hpp"

namespace smgate::workload::cuda {

namespace {

constexpr std::size_t kNameBytes = 256;

std::string sm_name(const Driver& driver, CUdevice device) {
  int major = 0;
  int minor = 0;
  check(driver, driver.device_get_attribute(&major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device),
        "cuDeviceGetAttribute");
  check(driver, driver.device_get_attribute(&minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device),
        "cuDeviceGetAttribute");
  return "sm_" + std::to_string(major) + std::to_string(minor);
}

DeviceInfo describe(const Context& context) {
  const Driver& driver = context.driver();
  std::array<char, kNameBytes> name{};
  check(driver, driver.device_get_name(name.data(), static_cast<int>(name.size()), context.device()),
        "cuDeviceGetName");
  std::size_t bytes = 0;
  check(driver, driver.device_total_mem(&bytes, context.device()), "cuDeviceTotalMem");
  const bool unified = context.attribute(CU_DEVICE_ATTRIBUTE_INTEGRATED) != 0;
  return {sm_name(driver, context.device()), name.data(), bytes, unified, false};
}

}  // namespace

std::string arch_of(const Driver& driver, int ordinal) {
  CUdevice device = 0;
  check(driver, driver.device_get(&device, ordinal), "cuDeviceGet");
  return sm_name(driver, device);
}

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
