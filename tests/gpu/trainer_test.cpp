// The whole step on a GPU against the CPU references' step: same weights, same batch.
#include <cmath>
#include <limits>
#include <map>

#include "runner/workload/device/emulated.hpp"
#include "runner/workload/run/cpu_trainer.hpp"
#include "tests/gpu/kernel_lab.hpp"

namespace smgate::workload::test {
namespace {

using Tensors = std::map<std::string, std::vector<float>>;

struct Curve {
  std::vector<StepResult> steps;
  Tensors weights;
  Tensors initial;
  Tensors gradients;  // of step 0
  std::vector<float> logits;
};

Trainer::VisitFloats into(Tensors& tensors) {
  return [&tensors](const TensorInfo& tensor, std::span<const float> values) {
    tensors[tensor.name].assign(values.begin(), values.end());
  };
}

Curve train(Trainer& trainer, const RunConfig& config, const WeightSource& teacher, const WeightSource& student) {
  trainer.prewarm(builtin_prewarm());
  trainer.upload_teacher(teacher);
  trainer.upload_student(student);
  trainer.allocate_training(make_batch(config));
  Curve curve;
  trainer.for_each_student_tensor(into(curve.initial));
  curve.logits = trainer.student_logits();
  for (std::uint32_t i = 0; i < config.steps; ++i) {
    curve.steps.push_back(trainer.step(i));
    if (i == 0) trainer.for_each_student_gradient(into(curve.gradients));
  }
  trainer.for_each_student_tensor(into(curve.weights));
  return curve;
}

Curve on_cpu(RunConfig config) {
  config.gpu = false;
  events::Writer writer("");
  const auto compiler = source_compiler();
  EmulatedBackend backend(*find_emulated("sm_89"), writer);
  KernelCache cache("kernels", *compiler, backend, writer);
  CpuTrainer trainer(config, cache, backend, writer);
  return train(trainer, config, SeededWeights(trainer.teacher_layout(), 1, kTeacherDeviation),
               SeededWeights(trainer.student_layout(), 2, kStudentDeviation));
}

Curve on_gpu(GpuParts& parts, RunConfig config, Math math) {
  config.gpu = true;
  config.math = math;
  const auto trainer = cuda::make_cuda_trainer(config, parts.cache(), parts.device(), parts.writer());
  return train(*trainer, config, SeededWeights(trainer->teacher_layout(), 1, kTeacherDeviation),
               SeededWeights(trainer->student_layout(), 2, kStudentDeviation));
}

// Softmax does not move with a constant added to every score of a row, so a key's bias has almost no gradient: what is
// there is the rounding of its terms. The others sum terms of both signs, which costs a vector's gradient more digits
// than a matrix's.
double tolerance_of(const std::string& name, double tolerance) {
  if (name.ends_with("k_proj.bias")) return std::numeric_limits<double>::infinity();
  return name.ends_with(".bias") || name.ends_with("norm.weight") ? 3.0 * tolerance : 2.0 * tolerance;
}

// The norm's error is that of the largest gradients, not their mean as the loss's is.
constexpr double kNormShare = 2.0;

void expect_near(const Curve& gpu, const Curve& cpu, double tolerance) {
  EXPECT_EQ(gpu.initial, cpu.initial);  // made on the device, bit by bit the host's
  EXPECT_LT(distance(gpu.logits, cpu.logits), tolerance) << "logits";
  for (const auto& [name, gradient] : cpu.gradients) {
    EXPECT_LT(distance(gpu.gradients.at(name), gradient), tolerance_of(name, tolerance)) << name;
  }
  for (std::size_t i = 0; i < cpu.steps.size(); ++i) {
    const StepResult& a = gpu.steps[i];
    const StepResult& b = cpu.steps[i];
    EXPECT_NEAR(a.loss, b.loss, tolerance * b.loss) << "step " << i;
    EXPECT_NEAR(a.ce, b.ce, tolerance * b.ce) << "step " << i;
    EXPECT_NEAR(a.kl, b.kl, tolerance * (b.kl + 0.01)) << "step " << i;
    EXPECT_NEAR(a.grad_norm, b.grad_norm, kNormShare * tolerance * b.grad_norm) << "step " << i;
  }
  for (const auto& [name, weights] : cpu.weights) {
    if (name.ends_with(".bias")) continue;  // starts at zero: after a few steps it is Adam's signs alone
    EXPECT_LT(distance(gpu.weights.at(name), weights), tolerance) << name;
  }
}

RunConfig config_of(const std::string& scale, std::uint32_t steps) {
  RunConfig config = *config_of_scale(scale);
  config.steps = steps;
  return config;
}

// Heads of any width on one narrow block.
RunConfig one_block(std::uint32_t teacher_dim, std::uint32_t student_dim, std::uint32_t seq) {
  RunConfig config = config_of("tiny", 4);
  config.teacher = {"teacher", 1, 64, 96, 4, 2, teacher_dim, 256, 4096, 1e-6f, 1e6f};
  config.student = {"student", 1, 64, 96, 4, 2, student_dim, 256, 4096, 1e-6f, 1e6f};
  config.batch = 2;
  config.seq = seq;
  return config;
}

// fp32 differs from the references by the order of sums; TF32 by 10 bits of a product's operands, bf16 by 8 bits of
// every matrix and activation, and both by what four updates of Adam make of small gradients' signs.
constexpr double kFp32 = 1e-3, kTf32 = 5e-3, kBf16 = 2e-2;

TEST_F(Gpu, TrainsTinyAsTheReferencesDo) {
  const RunConfig config = config_of("tiny", 6);
  const Curve cpu = on_cpu(config);
  expect_near(on_gpu(*parts_, config, Math::kFp32), cpu, kFp32);
}

TEST_F(Gpu, TrainsTinyInTf32) {
  const RunConfig config = config_of("tiny", 6);
  expect_near(on_gpu(*parts_, config, Math::kTf32), on_cpu(config), kTf32);
}

TEST_F(Gpu, TrainsTinyInBf16) {
  const RunConfig config = config_of("tiny", 6);
  expect_near(on_gpu(*parts_, config, Math::kBf16), on_cpu(config), kBf16);
}

TEST_F(Gpu, TrainsSmallAsTheReferencesDo) {
  const RunConfig config = config_of("small", 4);
  expect_near(on_gpu(*parts_, config, Math::kFp32), on_cpu(config), kFp32);
}

TEST_F(Gpu, TrainsNarrowHeadsAsTheReferencesDo) {
  for (const std::uint32_t seq : {32u, 100u}) {
    const RunConfig config = one_block(32, 16, seq);
    const Curve cpu = on_cpu(config);
    expect_near(on_gpu(*parts_, config, Math::kFp32), cpu, kFp32);
    expect_near(on_gpu(*parts_, config, Math::kBf16), cpu, kBf16);
  }
}

TEST_F(Gpu, TrainsSmallInBf16) {
  const RunConfig config = config_of("small", 4);
  expect_near(on_gpu(*parts_, config, Math::kBf16), on_cpu(config), kBf16);
}

TEST_F(Gpu, TrainsWideHeadsAsTheReferencesDo) {
  for (const std::uint32_t seq : {64u, 100u, 200u}) {
    const RunConfig config = one_block(128, 64, seq);
    const Curve cpu = on_cpu(config);
    expect_near(on_gpu(*parts_, config, Math::kFp32), cpu, kFp32);
    expect_near(on_gpu(*parts_, config, Math::kBf16), cpu, kBf16);
  }
}

}  // namespace
}  // namespace smgate::workload::test
