#include "runner/workload/cuda/trainer.hpp"

namespace smgate::workload::cuda {

std::unique_ptr<Trainer> make_cuda_trainer(const RunConfig&, KernelCache&, CudaDevice&, events::Writer&) {
  throw RunFailure("this build has no trainer for a GPU");
}

}  // namespace smgate::workload::cuda
