// Built where <cuda.h> was found.
#include "runner/workload/cuda/trainer.hpp"
#include "runner/workload/device/gpu.hpp"

namespace smgate::workload {

namespace {

class CudaMachine : public Machine {
 public:
  CudaMachine(const cuda::Driver& driver, events::Writer& writer) : device_(driver, 0, writer) {}

  Device& device() override { return device_; }
  std::unique_ptr<Trainer> trainer(const RunConfig& config, KernelCache& cache, events::Writer& writer) override {
    return cuda::make_cuda_trainer(config, cache, device_, writer);
  }

 private:
  cuda::CudaDevice device_;
};

}  // namespace

Outcome<std::unique_ptr<Machine>> open_gpu(events::Writer& writer) {
  const auto driver = cuda::open_driver();
  if (!driver) return Failure{driver.error()};
  int count = 0;
  cuda::check(*driver.value(), driver.value()->device_get_count(&count), "cuDeviceGetCount");
  if (count == 0) return Failure{"the CUDA driver shows no device (is CUDA_VISIBLE_DEVICES empty?)"};
  return std::unique_ptr<Machine>(std::make_unique<CudaMachine>(*driver.value(), writer));
}

}  // namespace smgate::workload
