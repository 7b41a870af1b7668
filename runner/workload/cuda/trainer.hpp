// The distillation on a real GPU. Owned by the run; one thread.
#pragma once

#include <memory>

#include "runner/workload/cuda/device.hpp"
#include "runner/workload/run/trainer.hpp"

namespace smgate::workload::cuda {

// The device and the cache must outlive it. Throws RunFailure where cuBLASLt or the device refuses.
std::unique_ptr<Trainer> make_cuda_trainer(const RunConfig& config, KernelCache& cache, CudaDevice& device,
                                           events::Writer& writer);

}  // namespace smgate::workload::cuda
