// What another program needs to do a run's work again and to hold its own numbers against it: both checkpoints, the
// batch, the student's logits and gradients of step 0, the losses. The folder's format stands in
// tests/gpu/compare_transformers.py. Owned by the run; one thread; members throw RunFailure where a file cannot be
// written.
#pragma once

#include <string>
#include <vector>

#include "runner/workload/run/batch.hpp"
#include "runner/workload/run/trainer.hpp"

namespace smgate::workload {

class Dump {
 public:
  // Where the folder's name is empty, nothing is ever written.
  Dump(std::string folder, const RunConfig& config) : folder_(std::move(folder)), config_(config) {}

  // Before the first step.
  void start(Trainer& trainer, const Batch& batch);
  // After each step.
  void step(const Trainer& trainer, std::uint32_t index, double loss);
  void finish() const;

 private:
  void write_model(const ModelShape& shape, const std::vector<TensorInfo>& layout,
                   const std::function<void(const Trainer::VisitFloats&)>& visit_all) const;

  std::string folder_;
  RunConfig config_;
  std::vector<double> losses_;
};

}  // namespace smgate::workload
