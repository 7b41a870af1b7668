// The door to real GPUs, which is there however the program was built: without the CUDA headers it says so. Any thread.
#pragma once

#include <memory>
#include <string>

#include "runner/workload/base/outcome.hpp"
#include "runner/workload/run/machine.hpp"

namespace smgate::workload {

// The first device that the driver shows (CUDA_VISIBLE_DEVICES chooses), with its context current on this thread.
// Failure: what the build or the host lacks.
Outcome<std::unique_ptr<Machine>> open_gpu(events::Writer& writer);

// Its architecture alone, without a context: sm_XY.
Outcome<std::string> gpu_arch();

}  // namespace smgate::workload
