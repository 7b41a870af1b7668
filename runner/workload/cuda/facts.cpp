// What the GPUs of a host say of themselves. NVML, for the clocks, is opened at run time and may be absent or answer
// that it does not support a figure, as it does on unified memory; its prototypes are those of its documentation.
#include <dlfcn.h>

#include <array>

#include "runner/workload/cuda/cublaslt.hpp"
#include "runner/workload/cuda/device.hpp"
#include "runner/workload/device/gpu.hpp"

namespace smgate::workload {

namespace {

constexpr int kClockSm = 1;
constexpr int kClockMemory = 2;
constexpr int kBusIdBytes = 32;

class Nvml {
 public:
  Nvml() : library_(::dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL)) {
    const bool whole = find("nvmlInit_v2", init_) && find("nvmlDeviceGetHandleByPciBusId_v2", by_bus_id_) &&
                       find("nvmlDeviceGetClockInfo", clock_) && find("nvmlDeviceGetMaxClockInfo", max_clock_);
    ready_ = whole && init_() == 0;
  }

  std::string clocks(const char* bus_id) const {
    void* device = nullptr;
    if (!ready_) return "unknown: NVML (libnvidia-ml.so.1) is not there";
    if (by_bus_id_(bus_id, &device) != 0) return "unknown: NVML does not know the device";
    return "SM " + clock(device, kClockSm) + ", memory " + clock(device, kClockMemory);
  }

 private:
  template <class Function>
  bool find(const char* name, Function& function) {
    if (library_ != nullptr) function = reinterpret_cast<Function>(::dlsym(library_, name));
    return function != nullptr;
  }

  std::string clock(void* device, int kind) const {
    unsigned now = 0;
    unsigned most = 0;
    if (clock_(device, kind, &now) != 0) return "not supported";
    return std::to_string(now) + (max_clock_(device, kind, &most) == 0 ? " of " + std::to_string(most) : "") + " MHz";
  }

  void* library_;
  int (*init_)() = nullptr;
  int (*by_bus_id_)(const char*, void**) = nullptr;
  int (*clock_)(void*, int, unsigned*) = nullptr;
  int (*max_clock_)(void*, int, unsigned*) = nullptr;
  bool ready_ = false;
};

GpuFacts facts_of(const cuda::Driver& driver, int ordinal, const Nvml& nvml) {
  using cuda::check;
  CUdevice device = 0;
  check(driver, driver.device_get(&device, ordinal), "cuDeviceGet");
  std::array<char, 256> name{};
  check(driver, driver.device_get_name(name.data(), static_cast<int>(name.size()), device), "cuDeviceGetName");
  std::size_t bytes = 0;
  check(driver, driver.device_total_mem(&bytes, device), "cuDeviceTotalMem");
  int unified = 0;
  check(driver, driver.device_get_attribute(&unified, CU_DEVICE_ATTRIBUTE_INTEGRATED, device), "cuDeviceGetAttribute");
  std::array<char, kBusIdBytes> bus{};
  check(driver, driver.device_get_pci_bus_id(bus.data(), kBusIdBytes, device), "cuDeviceGetPCIBusId");
  return {cuda::arch_of(driver, ordinal), name.data(), bytes, unified != 0, nvml.clocks(bus.data())};
}

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

}  // namespace

Outcome<HostGpus> list_gpus() {
  const auto opened = cuda::open_driver();
  if (!opened) return Failure{opened.error()};
  const cuda::Driver& driver = *opened.value();
  try {
    int version = 0;
    int count = 0;
    cuda::check(driver, driver.driver_get_version(&version), "cuDriverGetVersion");
    cuda::check(driver, driver.device_get_count(&count), "cuDeviceGetCount");
    HostGpus host{version_text(version), {}};
    const Nvml nvml;
    for (int ordinal = 0; ordinal < count; ++ordinal) host.gpus.push_back(facts_of(driver, ordinal, nvml));
    return host;
  } catch (const RunFailure& failure) {
    return Failure{failure.what()};
  }
}

Outcome<std::string> find_cublaslt() {
  const auto library = cuda::open_cublaslt();
  if (!library) return Failure{library.error()};
  return "cuBLASLt " + std::to_string(library.value()->get_version()) + " (" + library.value()->path + ")";
}

}  // namespace smgate::workload
