// The distillation: two models on a back end, their pre-warm, their weights, the training steps. Owned by the run; one
// thread. Called in the order of its members; every failure of the device is a RunFailure.
#pragma once

#include <string>
#include <vector>

#include "runner/workload/device/backend.hpp"
#include "runner/workload/model/model.hpp"
#include "runner/workload/run/batch.hpp"
#include "smgate/workload.hpp"

namespace smgate::workload {

struct StepResult {
  double loss;
  double ce;         // mean over positions, nats
  double kl;         // mean over positions, nats, at the run's temperature, without T^2
  double grad_norm;  // before clipping
};

class Trainer {
 public:
  Trainer(const RunConfig& config, KernelCache& cache, Backend& backend, events::Writer& writer);

  // Both models' kernels, before any weights: the driver's compiler wants free device memory.
  void prewarm(const PrewarmList& list);

  // Each takes its scope's memory on the device. Host values go in as they are.
  void upload_teacher(const std::vector<float>& weights);
  void upload_student(const std::vector<float>& weights);
  void allocate_training(const Batch& batch);

  StepResult step(std::uint32_t index);
  // The parts of a step, for tests: loss and gradients, without clipping or update.
  StepResult forward_backward();

  std::vector<float> student_weights() const;
  std::vector<float> student_gradients() const;  // of the trained tensors
  void set_student_weights(const std::vector<float>& weights);
  const Model& student() const { return student_; }
  const Model& teacher() const { return teacher_; }
  std::uint64_t payload_bytes(const Model& model) const;

 private:
  void warm_scope(const char* scope, PrewarmList::Warm warm, events::Here at = events::Here::now());
  void upload(Model& model, const std::vector<float>& weights);
  std::uint64_t workspace_bytes(const ModelShape& shape) const;
  double gradient_norm();
  void update(std::uint32_t index, double grad_norm);

  RunConfig config_;
  KernelCache& cache_;
  Backend& backend_;
  events::Writer& writer_;
  Model teacher_;
  Model student_;
  std::int32_t* inputs_ = nullptr;
  std::int32_t* labels_ = nullptr;
  float* dlogits_ = nullptr;
  float* losses_ = nullptr;
  float* partials_ = nullptr;
  float* moments_ = nullptr;
  float* variances_ = nullptr;
};

}  // namespace smgate::workload
