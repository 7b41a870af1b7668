#include "runner/workload/run/config.hpp"

#include <array>
#include <utility>

namespace smgate::workload {

namespace {

constexpr std::uint32_t kTinyVocab = 256;
constexpr std::uint32_t kMaxPositions = 32768;  // as Qwen2.5's configuration says
constexpr float kRmsNormEps = 1e-6f;
constexpr float kRopeTheta = 1e6f;
constexpr std::uint32_t kSmallVocab = 1024;
constexpr std::uint32_t kQwenVocab = 151936;
constexpr std::uint32_t kIncidentSteps = 62;

constexpr std::array<std::pair<std::string_view, Fault>, 11> kFaults = {{
    {"unused-prewarm", Fault::kUnusedPrewarm},
    {"oversized-workspace", Fault::kOversizedWorkspace},
    {"apr-weights", Fault::kAprWeights},
    {"skipped-prewarm", Fault::kSkippedPrewarm},
    {"missing-stage", Fault::kMissingStage},
    {"silent-cache", Fault::kSilentCache},
    {"shared-key", Fault::kSharedKey},
    {"short-key", Fault::kShortKey},
    {"degenerate-batch", Fault::kDegenerateBatch},
    {"wrong-eps", Fault::kWrongEps},
    {"wrong-body", Fault::kWrongBody},
}};

constexpr std::array<std::pair<std::string_view, Control>, 4> kControls = {{
    {"lr0", Control::kLr0},
    {"shuffled-labels", Control::kShuffledLabels},
    {"no-prewarm", Control::kNoPrewarm},
    {"nan", Control::kNan},
}};

constexpr std::array<std::pair<std::string_view, Math>, 3> kMathModes = {{
    {"bf16", Math::kBf16},
    {"tf32", Math::kTf32},
    {"fp32", Math::kFp32},
}};

template <class Table>
auto value_named(const Table& table, std::string_view name) {
  std::optional<typename Table::value_type::second_type> value;
  for (const auto& entry : table) {
    if (entry.first == name) value = entry.second;
  }
  return value;
}

template <class Table>
std::vector<std::string_view> names_of(const Table& table) {
  std::vector<std::string_view> names;
  for (const auto& entry : table) names.push_back(entry.first);
  return names;
}

// The incident's head counts (12 and 14 over 2) on narrow heads: the same kernels and keys, a thousandth of the work.
RunConfig tiny() {
  RunConfig config{};
  config.scale = "tiny";
  config.teacher = {"teacher", 2, 96, 192, 12, 2, 8, kTinyVocab, kMaxPositions, kRmsNormEps, kRopeTheta};
  config.student = {"student", 2, 56, 112, 14, 2, 4, kTinyVocab, kMaxPositions, kRmsNormEps, kRopeTheta};
  config.batch = 4;
  config.seq = 16;
  config.steps = kIncidentSteps;
  config.learning_rate = 1e-3f;
  config.alpha = 0.3f;
  config.temperature = 4.0f;
  config.weight_decay = 0.01f;
  config.gradient_norm_max = 1.0f;
  config.adam = {0.9f, 0.999f, 1e-8f};
  return config;
}

// For everyday gating: deeper and wider than tiny, heads as a tensor core likes them, still tens of seconds on a CPU.
RunConfig small() {
  RunConfig config = tiny();
  config.scale = "small";
  config.teacher = {"teacher", 3, 384, 1024, 12, 2, 32, kSmallVocab, kMaxPositions, kRmsNormEps, kRopeTheta};
  config.student = {"student", 3, 224, 608, 14, 2, 16, kSmallVocab, kMaxPositions, kRmsNormEps, kRopeTheta};
  config.seq = 32;
  return config;
}

// The incident's own: Qwen2.5-Coder 1.5B into 0.5B.
RunConfig seed_scale() {
  RunConfig config = tiny();
  config.scale = "seed";
  config.teacher = {"teacher", 28, 1536, 8960, 12, 2, 128, kQwenVocab, kMaxPositions, kRmsNormEps, kRopeTheta};
  config.student = {"student", 24, 896, 4864, 14, 2, 64, kQwenVocab, kMaxPositions, kRmsNormEps, kRopeTheta};
  config.seq = 256;
  config.learning_rate = 1.5e-5f;
  return config;
}

std::string shape_json(const ModelShape& shape) {
  const auto field = [](std::string_view name, std::uint32_t value) {
    return "\"" + std::string(name) + "\":" + std::to_string(value) + ",";
  };
  return "{" + field("layers", shape.layers) + field("hidden", shape.hidden) +
         field("intermediate", shape.intermediate) + field("heads", shape.heads) + field("kv_heads", shape.kv_heads) +
         field("head_dim", shape.head_dim) + field("vocab", shape.vocab) +
         field("max_position_embeddings", shape.max_position_embeddings) +
         "\"rms_norm_eps\":" + events::json_real(shape.rms_norm_eps) +
         ",\"rope_theta\":" + events::json_real(shape.rope_theta) + "}";
}

}  // namespace

std::optional<RunConfig> config_of_scale(std::string_view scale) {
  if (scale == "tiny") return tiny();
  if (scale == "small") return small();
  if (scale == "seed") return seed_scale();
  return std::nullopt;
}

std::string known_scales() { return "tiny, small, seed"; }

std::optional<Math> math_named(std::string_view name) { return value_named(kMathModes, name); }
std::vector<std::string_view> math_names() { return names_of(kMathModes); }

std::string_view name_of(Math math) {
  for (const auto& [name, known] : kMathModes) {
    if (known == math) return name;
  }
  return "";
}

std::optional<Fault> fault_named(std::string_view name) { return value_named(kFaults, name); }
std::vector<std::string_view> fault_names() { return names_of(kFaults); }

std::optional<Control> control_named(std::string_view name) { return value_named(kControls, name); }
std::vector<std::string_view> control_names() { return names_of(kControls); }

std::string_view name_of(Control control) {
  for (const auto& [name, known] : kControls) {
    if (known == control) return name;
  }
  return "";
}

bool made_in_prewarm(Fault fault) {
  switch (fault) {
    case Fault::kUnusedPrewarm:
    case Fault::kSkippedPrewarm:
    case Fault::kMissingStage:
    case Fault::kSharedKey:
    case Fault::kShortKey:
    case Fault::kWrongEps:
    case Fault::kWrongBody:
      return true;
    default:
      return false;
  }
}

RunConfig with_fault(RunConfig config, Fault fault) {
  config.fault = fault;
  // The change that turned the library on did not tell the pre-warm.
  if (fault == Fault::kUnusedPrewarm) config.teacher.library_gemms = true;
  return config;
}

RunConfig with_control(RunConfig config, Control control) {
  config.control = control;
  if (control == Control::kLr0) config.learning_rate = 0.0f;
  return config;
}

std::string config_json(const RunConfig& config) {
  const auto real = [](std::string_view name, float value) {
    return ",\"" + std::string(name) + "\":" + events::json_real(value);
  };
  const std::string control =
      config.control == Control::kNone ? "" : ",\"control\":" + events::json_text(name_of(config.control));
  return "{\"scale\":" + events::json_text(config.scale) + ",\"steps\":" + std::to_string(config.steps) +
         ",\"batch_size\":" + std::to_string(config.batch) + ",\"seq_len\":" + std::to_string(config.seq) +
         ",\"math_mode\":" + events::json_text(name_of(config.math)) + real("alpha", config.alpha) +
         real("temperature", config.temperature) + real("learning_rate", config.learning_rate) +
         real("weight_decay", config.weight_decay) + real("gradient_norm_max", config.gradient_norm_max) +
         real("beta1", config.adam.beta1) + real("beta2", config.adam.beta2) + real("adam_eps", config.adam.eps) +
         ",\"seed\":" + std::to_string(config.seed) + ",\"lora_rank\":" + std::to_string(config.lora_rank) + control +
         ",\"shapes\":{\"teacher\":" + shape_json(config.teacher) + ",\"student\":" + shape_json(config.student) + "}}";
}

}  // namespace smgate::workload
