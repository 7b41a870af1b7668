#include "runner/workload/run/run_weights.hpp"

#include <algorithm>
#include <filesystem>
#include <memory>

#include "runner/workload/base/sha256.hpp"
#include "runner/workload/files/container.hpp"
#include "runner/workload/files/safetensors.hpp"

namespace smgate::workload {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kTeacherStream = 0x7eac;  // the models' numbers differ for one seed
constexpr std::uint64_t kStudentStream = 0x57de;
constexpr std::size_t kSeededFileFloatsMax = 1u << 26;  // 256 MB; larger models' seeds stay recipes
constexpr std::size_t kCpuFloatsMax = 1u << 26;         // more would take the CPU references hours a step
constexpr std::size_t kComparedFloatsMin = 64;
constexpr std::size_t kComparedFloatsMax = 1u << 16;

// Values that belong to it.
class OwnedWeights : public WeightSource {
 public:
  OwnedWeights(std::vector<TensorInfo> layout, std::vector<float> values)
      : layout_(std::move(layout)), values_(std::move(values)), view_(layout_, values_) {}

  const std::vector<TensorInfo>& layout() const override { return layout_; }
  void for_each_tensor(const Visit& visit) const override { view_.for_each_tensor(visit); }
  void read(std::size_t index, std::size_t first, std::span<float> values) const override {
    view_.read(index, first, values);
  }

 private:
  std::vector<TensorInfo> layout_;
  std::vector<float> values_;
  FloatWeights view_;
};

// The incident's weights: a converter wrote APR, the path went to the SafeTensors reader.
std::string apr_bytes(const std::vector<float>& weights) {
  std::string bytes("APR\0\x02\0\0\0", 8);
  bytes.append(reinterpret_cast<const char*>(weights.data()), weights.size() * sizeof(float));
  return bytes;
}

Outcome<std::unique_ptr<WeightSource>> read_file(const std::string& path, const std::vector<TensorInfo>& layout) {
  const auto file = read_safetensors(path);
  auto values = file ? values_of(file.value(), layout) : Failure{file.error()};
  if (!values) return Failure{values.error()};
  return std::unique_ptr<WeightSource>(std::make_unique<OwnedWeights>(layout, std::move(values.value())));
}

Outcome<std::unique_ptr<WeightSource>> bind_checkpoint(const Checkpoint& checkpoint, const SeededWeights& adapters) {
  auto bound = CheckpointWeights::bind(checkpoint, adapters);
  if (!bound) return Failure{bound.error()};
  return std::unique_ptr<WeightSource>(std::make_unique<CheckpointWeights>(std::move(bound.value())));
}

events::Event weights_event(const std::string& scope, const std::string& path, const std::string& file) {
  events::Event event("weights");
  event.name("scope", scope);
  if (path.empty()) return event.text("claimed_container", "none").text("container", "none");
  const std::string magic = first_bytes_of(file);
  std::error_code error;
  event.text("path", path).text("claimed_container", "safetensors");
  return event.text("container", container_of(magic, fs::file_size(file, error))).text("magic", magic_hex(magic));
}

// Tensors that changed mostly did so from their first values on, and seeded ones cost time to make again: so few
// values at first, then ever more.
bool changed(const WeightSource& before, const Trainer::Stretch& after) {
  std::vector<float> piece;
  for (std::size_t done = 0; done < after.values.size(); done += piece.size()) {
    piece.resize(std::min({kComparedFloatsMin + 2 * done, kComparedFloatsMax, after.values.size() - done}));
    before.read(after.tensor, after.first + done, piece);
    if (!std::equal(piece.begin(), piece.end(), after.values.begin() + static_cast<std::ptrdiff_t>(done))) return true;
  }
  return false;
}

struct CheckpointSeen {
  std::string digest;
  bool finite = true;
  std::uint64_t tensors_changed = 0;
};

// Each stretch is digested, held against what was loaded, and written while it is at hand.
CheckpointSeen write_student(SafeTensorsWriter& file, const Trainer& trainer, const WeightSource& before) {
  const auto& layout = trainer.student_layout();
  CheckpointSeen seen;
  Sha256 digest;
  bool differs = false;  // the tensor that the stretches are of
  file.ready();
  trainer.for_each_student_stretch([&](const Trainer::Stretch& stretch) {
    const TensorInfo& tensor = layout[stretch.tensor];
    if (stretch.first == 0) {
      digest.update((stretch.tensor == 0 ? "" : "\n") + digest_start(tensor, Dtype::kF32));
      differs = false;
    }
    const PartCheck check = check_part(Dtype::kF32, std::as_bytes(stretch.values),
                                       [&](std::size_t first, std::span<const std::byte> piece) {
                                         file.write(tensor, stretch.first * sizeof(float) + first, piece);
                                       });
    digest.update(check.digests);
    seen.finite = seen.finite && check.finite;
    if (differs || !changed(before, stretch)) return;
    differs = true;
    ++seen.tensors_changed;
  });
  digest.update("\n");
  file.finish();
  seen.digest = digest.hex();
  return seen;
}

}  // namespace

RunWeights::RunWeights(Options& options)
    : folder_(fs::absolute(options.out)),
      config_(options.config),
      teacher_side_{"teacher", "", config_.seed ^ kTeacherStream, kTeacherDeviation, std::nullopt},
      student_side_{"student", "", config_.seed ^ kStudentStream, kStudentDeviation, std::nullopt} {
  if (!options.weights.empty()) open_checkpoints(options);
  config_ = options.config;
}

void RunWeights::open_checkpoints(Options& options) {
  for (Side* side : {&teacher_side_, &student_side_}) {
    side->path = fs::absolute(options.weights) / side->scope;
    auto opened = Checkpoint::open(side->path, side->scope);
    if (!opened) {
      failure_ = opened.error();
      failed_scope_ = side->scope;
      return;
    }
    ModelShape shape = opened.value().shape();
    ModelShape& run = side == &teacher_side_ ? options.config.teacher : options.config.student;
    shape.library_gemms = run.library_gemms;
    run = std::move(shape);
    side->checkpoint = std::move(opened.value());
  }
  const RunConfig& config = options.config;
  const std::size_t floats = float_count(tensor_layout(config.teacher)) + float_count(tensor_layout(config.student));
  failed_scope_ = student_side_.scope;
  if (config.teacher.vocab != config.student.vocab) {
    failure_ = "teacher and student have different vocabularies";
  } else if (!config.gpu && floats > kCpuFloatsMax) {
    failure_ = "these models want a GPU: on the CPU back end a step would take hours";
  }
}

void RunWeights::prepare(events::Writer& writer) {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) throw RunFailure("cannot make the folder " + folder_ + ": " + error.message());
  if (!failure_.empty()) {
    events::Event event("weights");
    event.name("scope", failed_scope_)
        .text("path", failed_scope_ == "teacher" ? teacher_side_.path : student_side_.path);
    writer.emit(event.flag("ok", false).text("text", failure_).at(events::Here::now()));
    throw RunFailure("cannot load the " + failed_scope_ + "'s weights: " + failure_);
  }
  if (teacher_side_.checkpoint) return;
  const bool apr = config_.fault == Fault::kAprWeights;
  const bool kept = float_count(tensor_layout(config_.teacher)) <= kSeededFileFloatsMax;
  if (kept || apr) {
    teacher_side_.path = folder_ + (apr ? "/teacher.apr" : "/teacher.safetensors");
    write_seeded(teacher_side_, config_.teacher, 0);
  }
  if (!kept) return;
  student_side_.path = folder_ + "/student-initial.safetensors";
  write_seeded(student_side_, config_.student, config_.lora_rank);
}

void RunWeights::write_seeded(const Side& side, const ModelShape& shape, std::uint32_t lora_rank) const {
  auto layout = tensor_layout(shape, lora_rank);
  const bool apr = fs::path(side.path).extension() == ".apr";
  // The head of a large model tells its container as well as all of it.
  if (apr && float_count(layout) > kSeededFileFloatsMax) layout = {{"head", {1024}, 0, 1024}};
  const auto values = seeded_weights(layout, side.seed, side.deviation);
  write_file(side.path, apr ? apr_bytes(values) : safetensors_bytes(layout, values));
}

std::unique_ptr<WeightSource> RunWeights::load(events::Writer& writer, const Side& side,
                                               const std::vector<TensorInfo>& layout, std::string& digest) const {
  events::Event event =
      weights_event(side.scope, side.path, side.checkpoint ? side.checkpoint->first_file() : side.path);
  const SeededWeights seeded(layout, side.seed, side.deviation);
  if (side.path.empty()) {
    digest = weights_digest(seeded);
    event.text("digest", digest).flag("finite", true);
    writer.emit(event.flag("ok", true).at(events::Here::now()));
    return std::make_unique<SeededWeights>(seeded);
  }
  auto source = side.checkpoint ? bind_checkpoint(*side.checkpoint, seeded) : read_file(side.path, layout);
  if (!source) {
    writer.emit(event.flag("ok", false).text("text", source.error()).at(events::Here::now()));
    throw RunFailure("cannot load the " + side.scope + "'s weights from " + side.path + ": " + source.error());
  }
  digest = weights_digest(*source.value());
  event.text("digest", digest).flag("finite", weights_finite(*source.value()));
  writer.emit(event.flag("ok", true).at(events::Here::now()));
  return std::move(source.value());
}

std::unique_ptr<WeightSource> RunWeights::load_teacher(events::Writer& writer,
                                                       const std::vector<TensorInfo>& layout) const {
  std::string digest;
  return load(writer, teacher_side_, layout, digest);
}

void RunWeights::load_student(events::Writer& writer, const std::vector<TensorInfo>& layout) {
  student_ = load(writer, student_side_, layout, student_digest_);
}

std::unique_ptr<SafeTensorsWriter> RunWeights::begin_checkpoint(const Trainer& trainer) const {
  return std::make_unique<SafeTensorsWriter>(folder_ + "/student-trained.safetensors", trainer.student_layout());
}

void RunWeights::write_checkpoint(events::Writer& writer, const Trainer& trainer, SafeTensorsWriter& file) const {
  const std::string& path = file.path();
  const auto& layout = trainer.student_layout();
  const CheckpointSeen seen = write_student(file, trainer, *student_);
  std::error_code error;
  const std::uint64_t bytes = fs::file_size(path, error);
  const auto back = MappedFile::open(path);
  const bool whole = back && view_safetensors(back.value().bytes());
  events::Event event("checkpoint");
  event.text("path", path).text("claimed_container", "safetensors");
  event.text("container", container_of(first_bytes_of(path), bytes)).integer("bytes", bytes);
  event.flag("whole", whole).integer("tensors", layout.size()).integer("tensors_changed", seen.tensors_changed);
  event.text("initial_digest", student_digest_).text("final_digest", seen.digest);
  writer.emit(event.flag("finite", seen.finite));
}

}  // namespace smgate::workload
