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

Outcome<const cuda::Driver*> driver_with_device() {
  const auto driver = cuda::open_driver();
  if (!driver) return driver;
  int count = 0;
  const CUresult result = driver.value()->device_get_count(&count);
  if (result != CUDA_SUCCESS) return Failure{cuda::error_text(*driver.value(), result, "cuDeviceGetCount")};
  if (count == 0) return Failure{"the CUDA driver shows no device (is CUDA_VISIBLE_DEVICES empty?)"};
  return driver;
}

}  // namespace

Outcome<std::string> gpu_arch() {
  const auto driver = driver_with_device();
  if (!driver) return Failure{driver.error()};
  try {
    return cuda::arch_of(*driver.value(), 0);
  } catch (const RunFailure& failure) {
    return Failure{failure.what()};
  }
}

Outcome<std::unique_ptr<Machine>> open_gpu(events::Writer& writer) {
  const auto driver = driver_with_device();
  if (!driver) return Failure{driver.error()};
  return std::unique_ptr<Machine>(std::make_unique<CudaMachine>(*driver.value(), writer));
}

}  // namespace smgate::workload
