#include "runner/workload/run/machine.hpp"

#include "runner/workload/device/emulated.hpp"
#include "runner/workload/device/gpu.hpp"
#include "runner/workload/run/cpu_trainer.hpp"

namespace smgate::workload {

namespace {

class EmulatedMachine : public Machine {
 public:
  EmulatedMachine(const EmulatedDevice& device, events::Writer& writer) : backend_(device, writer) {}

  Device& device() override { return backend_; }
  std::unique_ptr<Trainer> trainer(const RunConfig& config, KernelCache& cache, events::Writer& writer) override {
    return std::make_unique<CpuTrainer>(config, cache, backend_, writer);
  }

 private:
  EmulatedBackend backend_;
};

}  // namespace

std::unique_ptr<Machine> open_machine(const Options& options, events::Writer& writer) {
  if (options.config.gpu) {
    auto gpu = open_gpu(writer);
    if (!gpu) throw RunFailure(gpu.error());
    return std::move(gpu.value());
  }
  return std::make_unique<EmulatedMachine>(*find_emulated(options.arch), writer);
}

}  // namespace smgate::workload
