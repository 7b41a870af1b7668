// The distillation as smoke_main drives it, whatever device computes it. CpuTrainer (run/cpu_trainer.hpp) runs the CPU
// references on the back end that plays an architecture, CudaTrainer (cuda/) a real GPU. Owned by the run; one thread.
// Called in the order of its members; every failure of the device is a RunFailure.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "runner/workload/model/weight_source.hpp"
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
  using VisitFloats = std::function<void(const TensorInfo& tensor, std::span<const float> values)>;

  virtual ~Trainer() = default;

  // Both models' kernels, before any weights: the driver's compiler wants free device memory. Opens and closes the
  // spans of the scopes teacher, student and student_backward, and reports the memory left after each.
  virtual void prewarm(const PrewarmList& list) = 0;

  // Tensors that a source must have, in its order.
  virtual const std::vector<TensorInfo>& teacher_layout() const = 0;
  virtual const std::vector<TensorInfo>& student_layout() const = 0;
  // What upload_* takes on the device: declared before it is taken.
  virtual std::uint64_t teacher_payload_bytes() const = 0;
  virtual std::uint64_t student_payload_bytes() const = 0;
  // Each takes its scope's memory on the device and reports every allocation. The source is not kept.
  virtual void upload_teacher(const WeightSource& weights) = 0;
  virtual void upload_student(const WeightSource& weights) = 0;
  // The third payload, which it declares itself under the scope student_backward; copies the batch.
  virtual void allocate_training(const Batch& batch) = 0;

  virtual StepResult step(std::uint32_t index) = 0;

  // The student as it is now, in fp32, tensor by tensor in the layout's order; the values are there until `visit`
  // returns.
  virtual void for_each_student_tensor(const VisitFloats& visit) const = 0;
  // The same in stretches that a device's copies are fast in, none of two tensors; see kDigestPieceBytes.
  struct Stretch {
    std::size_t tensor;  // of the layout
    std::size_t first;   // of its values
    std::span<const float> values;
  };
  using VisitStretch = std::function<void(const Stretch& stretch)>;
  virtual void for_each_student_stretch(const VisitStretch& visit) const {
    std::size_t index = 0;
    for_each_student_tensor([&](const TensorInfo&, std::span<const float> values) { visit({index++, 0, values}); });
  }

  // One more step, call by call: what each operation took, the longest first. Empty where nothing measures that.
  virtual std::string profile() { return ""; }

  // For another program to compare with; the gradients are the last step's, before clipping. The logits are of every
  // position, by the weights as they are now.
  virtual void for_each_teacher_tensor(const VisitFloats& visit) const = 0;
  virtual void for_each_student_gradient(const VisitFloats& visit) const = 0;
  virtual std::vector<float> student_logits() = 0;
};

}  // namespace smgate::workload
