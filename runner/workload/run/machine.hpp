// The device that a run is made on, and the trainer for it: one of device/emulated.hpp or device/gpu.hpp. Owned by the
// run; one thread. The trainer must end before the machine.
#pragma once

#include <memory>

#include "runner/workload/device/device.hpp"
#include "runner/workload/run/options.hpp"
#include "runner/workload/run/trainer.hpp"

namespace smgate::workload {

class Machine {
 public:
  virtual ~Machine() = default;

  virtual Device& device() = 0;
  // `cache` was made for this device.
  virtual std::unique_ptr<Trainer> trainer(const RunConfig& config, KernelCache& cache, events::Writer& writer) = 0;
};

// What the options ask for. Throws RunFailure where it is not there.
std::unique_ptr<Machine> open_machine(const Options& options, events::Writer& writer);

}  // namespace smgate::workload
