// A real GPU: its context, what it says of itself, its modules. Owned by the machine (machine.cpp), used by the kernel
// cache and by the CUDA trainer; one thread.
#pragma once

#include <memory>
#include <vector>

#include "runner/workload/cuda/resources.hpp"
#include "runner/workload/device/device.hpp"

namespace smgate::workload::cuda {

// sm_XY of the device with this number; no context is made. Throws RunFailure.
std::string arch_of(const Driver& driver, int ordinal);

class CudaDevice : public Device {
 public:
  CudaDevice(const Driver& driver, int ordinal, events::Writer& writer);

  const DeviceInfo& info() const override { return info_; }
  void report_memory() override;
  // Module::handle becomes a LoadedModule*, which lives as long as this device.
  void load(Module& module) override;
  void late_compile() override {}

  const Driver& driver() const { return driver_; }
  const Context& context() const { return context_; }

 private:
  const Driver& driver_;
  events::Writer& writer_;
  Context context_;
  DeviceInfo info_;
  std::vector<std::unique_ptr<LoadedModule>> modules_;
};

// The module that the kernel cache gave back, as the driver knows it.
inline const LoadedModule& loaded(const Module& module) { return *static_cast<const LoadedModule*>(module.handle); }

}  // namespace smgate::workload::cuda
