// Built where <cuda.h> was not found.
#include "runner/workload/device/gpu.hpp"

namespace smgate::workload {

namespace {

constexpr const char* kWithout =
    "this program was built without the CUDA headers and cannot drive a GPU: install a CUDA toolkit and build again";

}  // namespace

Outcome<std::unique_ptr<Machine>> open_gpu(events::Writer&) { return Failure{kWithout}; }
Outcome<std::string> gpu_arch() { return Failure{kWithout}; }
Outcome<HostGpus> list_gpus() { return Failure{kWithout}; }
Outcome<std::string> find_cublaslt() { return Failure{kWithout}; }

}  // namespace smgate::workload
