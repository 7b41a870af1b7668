#include "runner/workload/run/cpu_trainer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace smgate::workload {

namespace {

constexpr const char* kTeacher = "teacher";
constexpr const char* kStudent = "student";
constexpr const char* kStudentBackward = "student_backward";

// Attention scores are held for at most so many positions a block, whatever length the model allows: at Qwen2.5's
// 32768 positions and 14 heads one block would ask for 60 GB.
constexpr std::uint64_t kWorkspacePositionsMax = 2048;

}  // namespace

CpuTrainer::CpuTrainer(const RunConfig& config, KernelCache& cache, Backend& backend, events::Writer& writer)
    : config_(config),
      cache_(cache),
      backend_(backend),
      writer_(writer),
      teacher_(config.teacher, config.batch, config.seq, false),
      student_(config.student, config.batch, config.seq, true, config.lora_rank) {}

void CpuTrainer::prewarm(const PrewarmList& list) {
  warm_scope(kTeacher, list.teacher);
  warm_scope(kStudent, list.student);
  warm_scope(kStudentBackward, list.student_backward);
}

void CpuTrainer::warm_scope(const char* scope, PrewarmList::Warm warm, events::Here at) {
  cache_.begin_prewarm(scope, at);
  if (config_.control != Control::kNoPrewarm) warm(cache_, config_);
  cache_.end_prewarm(at);
  backend_.report_memory();
}

std::uint64_t CpuTrainer::workspace_bytes(const ModelShape& shape) const {
  std::uint64_t positions = std::min<std::uint64_t>(shape.max_position_embeddings, kWorkspacePositionsMax);
  // Before the cap, the training side sized its workspace by what the model allows.
  const bool uncapped = config_.fault == Fault::kOversizedWorkspace && shape.name == kStudent;
  if (uncapped) positions = shape.max_position_embeddings;
  return shape.heads * positions * positions * sizeof(float);
}

std::uint64_t CpuTrainer::payload_bytes(const Model& model) const {
  const std::uint64_t floats = model.weight_floats() + model.activation_floats();
  return floats * sizeof(float) + model.shape().layers * workspace_bytes(model.shape());
}

void CpuTrainer::upload(Model& model, const WeightSource& source) {
  const std::string& name = model.shape().name;
  float* on_device = backend_.allocate_floats(name + ".weights", model.weight_floats());
  float* activations = backend_.allocate_floats(name + ".activations", model.activation_floats());
  for (std::uint32_t block = 0; block < model.shape().layers; ++block) {
    backend_.reserve(name + ".block." + std::to_string(block) + ".attention_workspace", workspace_bytes(model.shape()));
  }
  std::vector<float> floats;
  source.for_each_tensor([&](const TensorInfo& tensor, Dtype dtype, std::span<const std::byte> values) {
    floats.resize(tensor.count);
    to_floats(dtype, values, floats);
    backend_.copy_in(on_device + tensor.offset, floats.data(), tensor.count * sizeof(float));
  });
  model.bind(on_device, activations);
}

void CpuTrainer::upload_teacher(const WeightSource& weights) { upload(teacher_, weights); }
void CpuTrainer::upload_student(const WeightSource& weights) { upload(student_, weights); }

void CpuTrainer::allocate_training(const Batch& batch) {
  const std::size_t weights = student_.trained_floats();
  const std::size_t rows = config_.rows();
  const std::uint64_t floats = 3 * weights + student_.scratch_floats() + rows * config_.student.vocab;
  writer_.payload_begin(kStudentBackward, floats * sizeof(float));
  float* gradients = backend_.allocate_floats("student.gradients", weights);
  student_.bind_gradients(gradients, backend_.allocate_floats("student.scratch", student_.scratch_floats()));
  moments_ = backend_.allocate_floats("student.adam_moments", weights);
  variances_ = backend_.allocate_floats("student.adam_variances", weights);
  dlogits_ = backend_.allocate_floats("student.dlogits", rows * config_.student.vocab);
  losses_ = backend_.allocate_floats("student.losses", 2 * rows);
  partials_ = backend_.allocate_floats("student.norm_partials", blocks_for(static_cast<std::uint32_t>(weights)));
  const std::size_t token_bytes = rows * sizeof(std::int32_t);
  inputs_ = static_cast<std::int32_t*>(backend_.allocate("batch.inputs", token_bytes));
  labels_ = static_cast<std::int32_t*>(backend_.allocate("batch.labels", token_bytes));
  backend_.copy_in(inputs_, batch.inputs.data(), token_bytes);
  backend_.copy_in(labels_, batch.labels.data(), token_bytes);
  writer_.payload_end(kStudentBackward, floats * sizeof(float));
}

StepResult CpuTrainer::forward_backward() {
  const std::uint32_t rows = config_.rows();
  teacher_.forward(Ops(cache_, backend_, kTeacher), inputs_);
  student_.forward(Ops(cache_, backend_, kStudent), inputs_);
  const Ops backward(cache_, backend_, kStudentBackward);
  backward.kd_loss(dlogits_, losses_, student_.logits(), teacher_.logits(), labels_, rows, config_.student.vocab,
                   config_.alpha, config_.temperature);
  backend_.zero(student_.gradients(), student_.trained_floats() * sizeof(float));
  student_.backward(backward, inputs_, dlogits_);

  std::vector<float> losses(2 * static_cast<std::size_t>(rows));
  backend_.copy_out(losses.data(), losses_, losses.size() * sizeof(float));
  StepResult result{};
  for (std::size_t row = 0; row < rows; ++row) {
    result.ce += static_cast<double>(losses[2 * row]) / rows;
    result.kl += static_cast<double>(losses[2 * row + 1]) / rows;
  }
  const auto alpha = static_cast<double>(config_.alpha);
  const auto t = static_cast<double>(config_.temperature);
  result.loss = alpha * result.ce + (1.0 - alpha) * t * t * result.kl;
  return result;
}

StepResult CpuTrainer::step(std::uint32_t index) {
  StepResult result = forward_backward();
  if (config_.control == Control::kNan && index >= config_.steps / 2) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    backend_.copy_in(student_.gradients(), &nan, sizeof nan);
  }
  result.grad_norm = gradient_norm();
  update(index, result.grad_norm);
  return result;
}

double CpuTrainer::gradient_norm() {
  const Ops ops(cache_, backend_, kStudentBackward);
  const auto count = static_cast<std::uint32_t>(student_.trained_floats());
  ops.grad_norm_partials(partials_, student_.gradients(), count);
  std::vector<float> partials(blocks_for(count));
  backend_.copy_out(partials.data(), partials_, partials.size() * sizeof(float));
  double sum = 0.0;
  for (const float partial : partials) sum += static_cast<double>(partial);
  return std::sqrt(sum);
}

void CpuTrainer::update(std::uint32_t index, double grad_norm) {
  const Ops ops(cache_, backend_, kStudentBackward);
  const auto max = static_cast<double>(config_.gradient_norm_max);
  // A norm that is not a number scales to itself: the run must show it, not hide it.
  clip_scale_ = grad_norm <= max ? 1.0 : max / grad_norm;
  ops.grad_scale(student_.gradients(), static_cast<float>(clip_scale_),
                 static_cast<std::uint32_t>(student_.trained_floats()));
  for (std::size_t i = student_.first_trained(); i < student_.layout().size(); ++i) {
    const TensorInfo& tensor = student_.layout()[i];
    const std::size_t place = tensor.offset - student_.trained_offset();
    const Ops::AdamState state{student_.weights() + tensor.offset, moments_ + place, variances_ + place,
                               student_.gradients() + place, static_cast<std::uint32_t>(tensor.count)};
    const float decay = tensor.shape.size() > 1 ? config_.weight_decay : 0.0f;  // matrices only, as is custom
    ops.adamw(state, config_.adam, config_.learning_rate, decay, index);
  }
}

void CpuTrainer::for_each_student_tensor(const VisitFloats& visit) const {
  std::vector<float> values;
  for (const TensorInfo& tensor : student_.layout()) {
    values.resize(tensor.count);
    backend_.copy_out(values.data(), student_.weights() + tensor.offset, tensor.count * sizeof(float));
    visit(tensor, values);
  }
}

std::vector<float> CpuTrainer::student_weights() const {
  std::vector<float> values(student_.weight_floats());
  backend_.copy_out(values.data(), student_.weights(), values.size() * sizeof(float));
  return values;
}

std::vector<float> CpuTrainer::student_gradients() const {
  std::vector<float> values(student_.trained_floats());
  backend_.copy_out(values.data(), student_.gradients(), values.size() * sizeof(float));
  return values;
}

void CpuTrainer::set_student_weights(const std::vector<float>& weights) {
  backend_.copy_in(student_.weights(), weights.data(), weights.size() * sizeof(float));
}

void CpuTrainer::for_each_teacher_tensor(const VisitFloats& visit) const {
  std::vector<float> values(teacher_.weight_floats());
  backend_.copy_out(values.data(), teacher_.weights(), values.size() * sizeof(float));
  for (const TensorInfo& tensor : teacher_.layout())
    visit(tensor, std::span(values).subspan(tensor.offset, tensor.count));
}

// Of adapters' own tensors alone where only they are trained.
void CpuTrainer::for_each_student_gradient(const VisitFloats& visit) const {
  std::vector<float> values = student_gradients();
  for (float& value : values) value = static_cast<float>(static_cast<double>(value) / clip_scale_);
  for (std::size_t i = student_.first_trained(); i < student_.layout().size(); ++i) {
    const TensorInfo& tensor = student_.layout()[i];
    visit(tensor, std::span(values).subspan(tensor.offset - student_.trained_offset(), tensor.count));
  }
}

std::vector<float> CpuTrainer::student_logits() {
  student_.forward(Ops(cache_, backend_, kStudent), inputs_);
  std::vector<float> values(std::size_t{config_.rows()} * config_.student.vocab);
  backend_.copy_out(values.data(), student_.logits(), values.size() * sizeof(float));
  return values;
}

}  // namespace smgate::workload
