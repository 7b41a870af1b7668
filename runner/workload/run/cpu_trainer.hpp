// The distillation on a back end that runs the CPU references: two models, their pre-warm, their weights, the training
// steps. Owned by the run; one thread.
#pragma once

#include <string>
#include <vector>

#include "runner/workload/device/backend.hpp"
#include "runner/workload/model/model.hpp"
#include "runner/workload/run/trainer.hpp"

namespace smgate::workload {

class CpuTrainer : public Trainer {
 public:
  CpuTrainer(const RunConfig& config, KernelCache& cache, Backend& backend, events::Writer& writer);

  void prewarm(const PrewarmList& list) override;
  const std::vector<TensorInfo>& teacher_layout() const override { return teacher_.layout(); }
  const std::vector<TensorInfo>& student_layout() const override { return student_.layout(); }
  std::uint64_t teacher_payload_bytes() const override { return payload_bytes(teacher_); }
  std::uint64_t student_payload_bytes() const override { return payload_bytes(student_); }
  void upload_teacher(const WeightSource& weights) override;
  void upload_student(const WeightSource& weights) override;
  void allocate_training(const Batch& batch) override;
  StepResult step(std::uint32_t index) override;
  void for_each_student_tensor(const VisitFloats& visit) const override;
  void for_each_teacher_tensor(const VisitFloats& visit) const override;
  void for_each_student_gradient(const VisitFloats& visit) const override;
  std::vector<float> student_logits() override;

  // The parts of a step, for tests: loss and gradients, without clipping or update.
  StepResult forward_backward();
  std::vector<float> student_weights() const;
  std::vector<float> student_gradients() const;  // of the trained tensors
  void set_student_weights(const std::vector<float>& weights);
  const Model& student() const { return student_; }
  const Model& teacher() const { return teacher_; }

 private:
  void warm_scope(const char* scope, PrewarmList::Warm warm, events::Here at = events::Here::now());
  void upload(Model& model, const WeightSource& weights);
  std::uint64_t payload_bytes(const Model& model) const;
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
  double clip_scale_ = 1.0;  // that the gradients of the last step were multiplied by
};

}  // namespace smgate::workload
