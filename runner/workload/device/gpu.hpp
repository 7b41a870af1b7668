// The door to real GPUs, which is there however the program was built: without the CUDA headers it says so. Any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runner/workload/base/outcome.hpp"
#include "runner/workload/run/machine.hpp"

namespace smgate::workload {

// The first device that the driver shows (CUDA_VISIBLE_DEVICES chooses), with its context current on this thread.
// Failure: what the build or the host lacks.
Outcome<std::unique_ptr<Machine>> open_gpu(events::Writer& writer);

// Its architecture alone, without a context: sm_XY.
Outcome<std::string> gpu_arch();

struct GpuFacts {
  std::string arch;
  std::string name;
  std::uint64_t memory_bytes;
  bool unified;
  std::string clocks;  // as NVML says them: "SM 1980 of 1980 MHz, memory 2619 of 2619 MHz", or why it does not
};

struct HostGpus {
  std::string driver;  // the CUDA version that the driver serves: "13.0"
  std::vector<GpuFacts> gpus;
};

// For people. Failure: what the build or the host lacks.
Outcome<HostGpus> list_gpus();
// Version and file of the library that multiplies matrices. Failure: where it was looked for.
Outcome<std::string> find_cublaslt();

}  // namespace smgate::workload
