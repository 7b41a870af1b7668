#include "runner/workload/cuda/trainer.hpp"

#include <algorithm>
#include <cmath>

#include "runner/workload/cuda/memory.hpp"
#include "runner/workload/cuda/model.hpp"
#include "runner/workload/cuda/profile.hpp"

namespace smgate::workload::cuda {

namespace {

constexpr const char* kTeacher = "teacher";
constexpr const char* kStudent = "student";
constexpr const char* kStudentBackward = "student_backward";

// Rows whose logits are held at once: both models' at the incident's vocabulary take 2.5 GB then.
constexpr std::uint32_t kHeadRows = 4096;
// Steps that are queued call by call before one is captured: the first shows every kernel to the cache, and to the
// library its products; a graph that is captured may not meet a module for the first time.
constexpr std::uint32_t kEagerSteps = 2;
constexpr std::uint32_t kQuietNan = 0x7fc00000u;

Storage storage_of(Math math) { return math == Math::kBf16 ? Storage::kBf16 : Storage::kF32; }

class CudaTrainer : public Trainer {
 public:
  CudaTrainer(const RunConfig& config, KernelCache& cache, CudaDevice& device, events::Writer& writer);

  void prewarm(const PrewarmList& list) override;
  const std::vector<TensorInfo>& teacher_layout() const override { return teacher_.layout().tensors; }
  const std::vector<TensorInfo>& student_layout() const override { return student_.layout().tensors; }
  std::uint64_t teacher_payload_bytes() const override;
  std::uint64_t student_payload_bytes() const override;
  void upload_teacher(const WeightSource& weights) override;
  void upload_student(const WeightSource& weights) override;
  void allocate_training(const Batch& batch) override;
  StepResult step(std::uint32_t index) override;
  void for_each_student_tensor(const VisitFloats& visit) const override;
  void for_each_student_stretch(const VisitStretch& visit) const override;
  void for_each_teacher_tensor(const VisitFloats& visit) const override;
  void for_each_student_gradient(const VisitFloats& visit) const override;
  std::vector<float> student_logits() override;
  std::string profile() override;

 private:
  void warm_scope(const char* scope, PrewarmList::Warm warm, events::Here at = events::Here::now());
  void plan_products(const CudaModel& model);
  void plan_gradients(const CudaModel& model);
  std::vector<Part> parts_of(const CudaModel& model, Places& places) const;
  std::vector<Part> training_parts();
  std::size_t workspace_bytes(const CudaModel& model) const;
  std::uint32_t head_rows(std::uint32_t first) const { return std::min(kHeadRows, config_.rows() - first); }
  void upload(CudaModel& model, Places& places, const char* scope, const WeightSource& weights);
  void forward_backward(const CudaOps& backward);
  void head_chunk(const CudaOps& backward, std::uint32_t first);
  void enqueue(bool poison);
  StepResult read() const;
  std::vector<float> floats_at(Address from, std::size_t count) const;
  std::vector<float> stored_at(Address from, std::size_t count) const;
  void for_each_float(Address base, const VisitFloats& visit) const;

  RunConfig config_;
  CudaDevice& device_;
  const Driver& driver_;
  events::Writer& writer_;
  KernelCache& cache_;
  Gemms gemms_;
  Stream stream_;
  Stream side_;
  Event fork_, join_;
  Engine engine_;
  CudaModel teacher_;
  CudaModel student_;
  Places teacher_places_;
  Places student_places_;
  Memory memory_;
  HostBuffer result_;
  Graph graph_;
  Address inputs_ = 0, labels_ = 0, gradients_ = 0, moments_ = 0, variances_ = 0, scratch_ = 0;
  Address teacher_logits_ = 0, student_logits_ = 0, losses_ = 0, partials_ = 0, scalars_ = 0, step_ = 0;
};

CudaTrainer::CudaTrainer(const RunConfig& config, KernelCache& cache, CudaDevice& device, events::Writer& writer)
    : config_(config),
      device_(device),
      driver_(device.driver()),
      writer_(writer),
      cache_(cache),
      gemms_(device, config.math, cache.disk()),
      stream_(driver_),
      side_(driver_),
      fork_(driver_, CU_EVENT_DISABLE_TIMING),
      join_(driver_, CU_EVENT_DISABLE_TIMING),
      engine_{cache, device, gemms_, stream_.handle(), side_.handle(), storage_of(config.math), {}},
      teacher_(config.teacher, config.batch, config.seq, false, engine_.element_bytes()),
      student_(config.student, config.batch, config.seq, true, engine_.element_bytes()),
      memory_(driver_, writer),
      result_(driver_, sizeof(kernels::StepScalars)) {}

void CudaTrainer::prewarm(const PrewarmList& list) {
  plan_products(teacher_);
  warm_scope(kTeacher, list.teacher);
  plan_products(student_);
  warm_scope(kStudent, list.student);
  plan_gradients(student_);
  warm_scope(kStudentBackward, list.student_backward);
}

void CudaTrainer::warm_scope(const char* scope, PrewarmList::Warm warm, events::Here at) {
  cache_.begin_prewarm(scope, at);
  if (config_.control != Control::kNoPrewarm) {
    warm(cache_, config_);
    gemms_.warm_up(stream_.handle());
  }
  cache_.end_prewarm(at);
  device_.report_memory();
}

void CudaTrainer::plan_products(const CudaModel& model) {
  const ModelShape& shape = model.shape();
  const std::uint32_t rows = config_.rows();
  const std::uint32_t qkv = shape.query_width() + 2 * shape.kv_width();
  gemms_.plan(Product::kOutput, {rows, shape.hidden, qkv}, shape.layers);
  gemms_.plan(Product::kOutput, {rows, shape.query_width(), shape.hidden}, shape.layers);
  if (!kernels::has_linear_swiglu(engine_.storage, cache_.target(), shape.hidden, shape.intermediate)) {
    gemms_.plan(Product::kOutput, {rows, shape.hidden, 2 * shape.intermediate}, shape.layers);
  }
  gemms_.plan(Product::kOutput, {rows, shape.intermediate, shape.hidden}, shape.layers);
  for (std::uint32_t first = 0; first < rows; first += kHeadRows) {
    gemms_.plan(Product::kOutput, {head_rows(first), shape.hidden, shape.vocab}, 1);
  }
}

void CudaTrainer::plan_gradients(const CudaModel& model) {
  const ModelShape& shape = model.shape();
  const std::uint32_t rows = config_.rows();
  const std::uint32_t qkv = shape.query_width() + 2 * shape.kv_width();
  for (const Product product : {Product::kInputGradient, Product::kWeightGradient}) {
    gemms_.plan(product, {rows, shape.hidden, qkv}, shape.layers);
    gemms_.plan(product, {rows, shape.query_width(), shape.hidden}, shape.layers);
    gemms_.plan(product, {rows, shape.hidden, 2 * shape.intermediate}, shape.layers);
    gemms_.plan(product, {rows, shape.intermediate, shape.hidden}, shape.layers);
    for (std::uint32_t first = 0; first < rows; first += kHeadRows) {
      gemms_.plan(product, {head_rows(first), shape.hidden, shape.vocab}, 1);
    }
  }
}

// Attention holds a row's sum of exponentials alone. The fault brings back the scores' workspace, sized by what the
// model allows.
std::size_t CudaTrainer::workspace_bytes(const CudaModel& model) const {
  const bool uncapped = config_.fault == Fault::kOversizedWorkspace && model.shape().name == kStudent;
  if (!uncapped) return model.lse_bytes();
  const std::size_t positions = model.shape().max_position_embeddings;
  return model.shape().heads * positions * positions * sizeof(float);
}

std::vector<Part> CudaTrainer::parts_of(const CudaModel& model, Places& places) const {
  const std::string& name = model.shape().name;
  const Layout& layout = model.layout();
  const std::size_t vectors = layout.total - layout.matrices;
  std::vector<Part> parts;
  if (&model == &student_) parts.push_back({name + ".master", layout.total * sizeof(float), &places.master});
  if (&model == &teacher_) parts.push_back({name + ".vectors", vectors * sizeof(float), &places.vectors});
  // In fp32 the student's products read the master itself.
  if (&model == &teacher_ || engine_.storage == Storage::kBf16) {
    parts.push_back({name + ".weights", layout.matrices * engine_.element_bytes(), &places.matrices});
  }
  parts.push_back({name + ".activations", model.activation_bytes(), &places.activations});
  places.workspaces.resize(model.workspaces());
  for (std::size_t block = 0; block < places.workspaces.size(); ++block) {
    parts.push_back({name + ".block." + std::to_string(block) + ".attention_workspace", workspace_bytes(model),
                     &places.workspaces[block]});
  }
  return parts;
}

std::uint64_t CudaTrainer::teacher_payload_bytes() const {
  Places places;
  return bytes_of(parts_of(teacher_, places));
}

std::uint64_t CudaTrainer::student_payload_bytes() const {
  Places places;
  return bytes_of(parts_of(student_, places));
}

void CudaTrainer::upload(CudaModel& model, Places& places, const char* scope, const WeightSource& weights) {
  memory_.allocate(parts_of(model, places), stream_.handle());
  if (places.matrices == 0) places.matrices = places.master;
  if (places.vectors == 0) places.vectors = places.master + model.layout().matrices * sizeof(float);
  model.bind(places.matrices, places.vectors, places.activations, places.workspaces);
  upload_weights(CudaOps(engine_, scope), engine_, model.layout(), places, weights);
  stream_.synchronize();
}

void CudaTrainer::upload_teacher(const WeightSource& weights) { upload(teacher_, teacher_places_, kTeacher, weights); }
void CudaTrainer::upload_student(const WeightSource& weights) { upload(student_, student_places_, kStudent, weights); }

std::vector<Part> CudaTrainer::training_parts() {
  const std::size_t weights = student_.layout().total * sizeof(float);
  const std::size_t rows = config_.rows();
  const std::size_t logits = std::size_t{head_rows(0)} * config_.student.vocab * engine_.element_bytes();
  return {{"student.gradients", weights, &gradients_},
          {"student.scratch", student_.scratch_bytes(), &scratch_},
          {"student.adam_moments", weights, &moments_},
          {"student.adam_variances", weights, &variances_},
          {"student.logits", logits, &student_logits_},
          {"teacher.logits", logits, &teacher_logits_},
          {"student.losses", 2 * rows * sizeof(float), &losses_},
          {"student.norm_partials", kernels::kNormBlocks * sizeof(float), &partials_},
          {"step.scalars", sizeof(kernels::StepScalars), &scalars_},
          {"step.count", sizeof(std::uint32_t), &step_},
          {"batch.inputs", rows * sizeof(std::int32_t), &inputs_},
          {"batch.labels", rows * sizeof(std::int32_t), &labels_}};
}

void CudaTrainer::allocate_training(const Batch& batch) {
  const std::vector<Part> parts = training_parts();
  writer_.payload_begin(kStudentBackward, bytes_of(parts));
  memory_.allocate(parts, stream_.handle());
  student_.bind_gradients(driver_, gradients_, scratch_);
  stream_.synchronize();
  const std::size_t bytes = config_.rows() * sizeof(std::int32_t);
  check(driver_, driver_.memcpy_h_to_d(inputs_, batch.inputs.data(), bytes), "cuMemcpyHtoD");
  check(driver_, driver_.memcpy_h_to_d(labels_, batch.labels.data(), bytes), "cuMemcpyHtoD");
  writer_.payload_end(kStudentBackward, bytes_of(parts));
}

// Logits, loss and its gradient for some rows; the student's logits become their own gradient.
void CudaTrainer::head_chunk(const CudaOps& backward, std::uint32_t first) {
  const std::uint32_t rows = head_rows(first);
  const std::size_t element = engine_.element_bytes();
  const auto row_of = [&](Address base, std::size_t width) { return base + first * width; };
  const GemmShape teacher{rows, config_.teacher.hidden, config_.teacher.vocab};
  const GemmShape student{rows, config_.student.hidden, config_.student.vocab};
  const Address norm = row_of(student_.final_norm(), student.k * element);
  CudaOps(engine_, kTeacher)
      .gemm(Product::kOutput, teacher,
            {teacher_logits_, row_of(teacher_.final_norm(), teacher.k * element), teacher_.embedding()});
  CudaOps(engine_, kStudent).gemm(Product::kOutput, student, {student_logits_, norm, student_.embedding()});
  backward.kd_loss(
      {student_logits_, row_of(losses_, 2 * sizeof(float)), teacher_logits_, row_of(labels_, sizeof(std::int32_t))},
      rows, config_, config_.rows());
  const CudaOps side = backward.beside();
  backward.hand_over(fork_, side);
  side.gemm(Product::kWeightGradient, student, {student_.embedding_gradient(), student_logits_, norm}, first > 0);
  side.record(join_);
  backward.gemm(Product::kInputGradient, student,
                {row_of(student_.head_gradient(), student.k * element), student_logits_, student_.embedding()});
}

void CudaTrainer::forward_backward(const CudaOps& backward) {
  const CudaOps teacher(engine_, kTeacher, Lane::kSide);
  backward.hand_over(fork_, teacher);
  teacher_.forward(teacher, inputs_);
  teacher.record(join_);
  student_.forward(CudaOps(engine_, kStudent), inputs_);
  for (std::uint32_t first = 0; first < config_.rows(); first += kHeadRows) {
    // The teacher's pass; then the side's reading of the logits that this chunk overwrites.
    backward.wait_for(join_);
    head_chunk(backward, first);
  }
  student_.backward(backward, inputs_);
}

void CudaTrainer::enqueue(bool poison) {
  const CudaOps backward(engine_, kStudentBackward);
  forward_backward(backward);
  if (poison) {
    check(driver_, driver_.memset_d32_async(gradients_, kQuietNan, 1, stream_.handle()), "cuMemsetD32Async");
  }
  const Layout& layout = student_.layout();
  backward.finish({scalars_, step_, partials_, gradients_, losses_}, layout.total, config_);
  backward.adamw({student_places_.master, student_places_.matrices, moments_, variances_, gradients_, scalars_},
                 layout.matrices, layout.total, config_);
  check(driver_, driver_.memcpy_d_to_h_async(result_.data(), scalars_, sizeof(kernels::StepScalars), stream_.handle()),
        "cuMemcpyDtoHAsync");
}

StepResult CudaTrainer::step(std::uint32_t index) {
  // That control changes a gradient from half of the steps on, so its steps are not all alike.
  const bool alike = config_.control != Control::kNan;
  const bool poison = !alike && index >= config_.steps / 2;
  if (index < kEagerSteps || !alike) {
    enqueue(poison);
  } else {
    if (!graph_) {
      stream_.begin_capture();
      enqueue(false);
      graph_ = stream_.end_capture();
    }
    graph_.launch(stream_.handle());
  }
  stream_.synchronize();
  return read();
}

std::string CudaTrainer::profile() {
  Profile profile(driver_);
  // On one stream: what runs beside another operation has no time of its own.
  engine_.side = engine_.main;
  engine_.times = &profile;
  enqueue(false);
  engine_.times = nullptr;
  engine_.side = side_.handle();
  stream_.synchronize();
  return profile.table();
}

StepResult CudaTrainer::read() const {
  const auto& scalars = *static_cast<const kernels::StepScalars*>(result_.data());
  StepResult result{0.0, static_cast<double>(scalars.ce), static_cast<double>(scalars.kl),
                    static_cast<double>(scalars.grad_norm)};
  const auto alpha = static_cast<double>(config_.alpha);
  const auto t = static_cast<double>(config_.temperature);
  result.loss = alpha * result.ce + (1.0 - alpha) * t * t * result.kl;
  return result;
}

std::vector<float> CudaTrainer::floats_at(Address from, std::size_t count) const {
  std::vector<float> values(count);
  check(driver_, driver_.memcpy_d_to_h(values.data(), from, count * sizeof(float)), "cuMemcpyDtoH");
  return values;
}

// From the storage type.
std::vector<float> CudaTrainer::stored_at(Address from, std::size_t count) const {
  if (engine_.storage == Storage::kF32) return floats_at(from, count);
  std::vector<std::byte> bytes(count * engine_.element_bytes());
  check(driver_, driver_.memcpy_d_to_h(bytes.data(), from, bytes.size()), "cuMemcpyDtoH");
  std::vector<float> values(count);
  to_floats(Dtype::kBf16, bytes, values);
  return values;
}

// The student's tensors in a block of its layout in fp32.
void CudaTrainer::for_each_float(Address base, const VisitFloats& visit) const {
  const Layout& layout = student_.layout();
  for (std::size_t i = 0; i < layout.tensors.size(); ++i) {
    visit(layout.tensors[i], floats_at(base + layout.places[i] * sizeof(float), layout.tensors[i].count));
  }
}

void CudaTrainer::for_each_student_tensor(const VisitFloats& visit) const {
  for_each_float(student_places_.master, visit);
}

void CudaTrainer::for_each_student_stretch(const VisitStretch& visit) const {
  copy_out(driver_, student_.layout(), student_places_.master, visit);
}

void CudaTrainer::for_each_student_gradient(const VisitFloats& visit) const { for_each_float(gradients_, visit); }

void CudaTrainer::for_each_teacher_tensor(const VisitFloats& visit) const {
  const Layout& layout = teacher_.layout();
  for (std::size_t i = 0; i < layout.tensors.size(); ++i) {
    const std::size_t place = layout.places[i];
    const std::size_t count = layout.tensors[i].count;
    if (place < layout.matrices) {
      visit(layout.tensors[i], stored_at(teacher_places_.matrices + place * engine_.element_bytes(), count));
    } else {
      visit(layout.tensors[i], floats_at(teacher_places_.vectors + (place - layout.matrices) * sizeof(float), count));
    }
  }
}

std::vector<float> CudaTrainer::student_logits() {
  const CudaOps ops(engine_, kStudent);
  const std::size_t hidden = config_.student.hidden;
  std::vector<float> logits;
  student_.forward(ops, inputs_);
  for (std::uint32_t first = 0; first < config_.rows(); first += kHeadRows) {
    const GemmShape head{head_rows(first), config_.student.hidden, config_.student.vocab};
    ops.gemm(Product::kOutput, head,
             {student_logits_, student_.final_norm() + first * hidden * engine_.element_bytes(), student_.embedding()});
    stream_.synchronize();
    const std::vector<float> chunk = stored_at(student_logits_, std::size_t{head.m} * head.n);
    logits.insert(logits.end(), chunk.begin(), chunk.end());
  }
  return logits;
}

}  // namespace

std::unique_ptr<Trainer> make_cuda_trainer(const RunConfig& config, KernelCache& cache, CudaDevice& device,
                                           events::Writer& writer) {
  if (config.lora_rank > 0) {
    throw RunFailure("adapters are trained by the CPU back end alone: take --backend cpu, or no --lora-rank");
  }
  return std::make_unique<CudaTrainer>(config, cache, device, writer);
}

}  // namespace smgate::workload::cuda
