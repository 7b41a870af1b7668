// A device as the kernel cache and the reports need it. Owned by the run; one thread. A back end that runs the CPU
// references adds memory and launches (backend.hpp); a GPU's trainer talks to its driver itself (cuda/).
#pragma once

#include <cstdint>
#include <string>

#include "smgate/kernel_cache.hpp"

namespace smgate::workload {

struct DeviceInfo {
  std::string arch;  // sm_XY
  std::string name;
  std::uint64_t memory_bytes;
  bool unified;   // one memory with the host
  bool emulated;  // a CPU plays it
};

class Device {
 public:
  virtual ~Device() = default;

  virtual const DeviceInfo& info() const = 0;
  // Reports the device's free memory.
  virtual void report_memory() = 0;
  // Makes a module ready to launch and sets its handle.
  virtual void load(Module& module) = 0;
  // A kernel was compiled after warm-up, in the middle of the stream.
  virtual void late_compile() = 0;
};

}  // namespace smgate::workload
