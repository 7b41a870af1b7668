#include "runner/workload/run/dump.hpp"

#include <algorithm>
#include <filesystem>

#include "runner/workload/files/safetensors.hpp"
#include "runner/workload/run/config.hpp"

namespace smgate::workload {

namespace {

std::string field(std::string_view name, std::uint32_t value) {
  return "\"" + std::string(name) + "\":" + std::to_string(value) + ",";
}

std::string field(std::string_view name, float value) {
  return "\"" + std::string(name) + "\":" + events::json_real(static_cast<double>(value)) + ",";
}

// As transformers' Qwen2Config reads it.
std::string qwen2_config(const ModelShape& shape) {
  return "{\"architectures\":[\"Qwen2ForCausalLM\"],\"model_type\":\"qwen2\",\"hidden_act\":\"silu\"," +
         field("num_hidden_layers", shape.layers) + field("hidden_size", shape.hidden) +
         field("intermediate_size", shape.intermediate) + field("num_attention_heads", shape.heads) +
         field("num_key_value_heads", shape.kv_heads) + field("vocab_size", shape.vocab) +
         field("max_position_embeddings", shape.max_position_embeddings) + field("rms_norm_eps", shape.rms_norm_eps) +
         field("rope_theta", shape.rope_theta) + "\"torch_dtype\":\"float32\",\"tie_word_embeddings\":true}\n";
}

template <class Values>
std::string json_list(const Values& values) {
  std::string list;
  for (const auto value : values) {
    if constexpr (std::is_integral_v<std::remove_cv_t<decltype(value)>>) {
      list += (list.empty() ? "" : ",") + std::to_string(value);
    } else {
      list += (list.empty() ? "" : ",") + events::json_real(value);
    }
  }
  return "[" + list + "]";
}

std::string batch_json(const RunConfig& config, const Batch& batch) {
  return "{" + field("batch", batch.sequences) + field("seq", batch.seq) + field("alpha", config.alpha) +
         field("temperature", config.temperature) + field("lr", config.learning_rate) +
         field("beta1", config.adam.beta1) + field("beta2", config.adam.beta2) + field("adam_eps", config.adam.eps) +
         field("weight_decay", config.weight_decay) + field("gradient_norm_max", config.gradient_norm_max) +
         "\"math\":" + events::json_text(name_of(config.math)) + ",\"inputs\":" + json_list(batch.inputs) +
         ",\"labels\":" + json_list(batch.labels) + "}\n";
}

std::vector<float> gathered(const std::vector<TensorInfo>& layout,
                            const std::function<void(const Trainer::VisitFloats&)>& visit_all) {
  std::vector<float> all(float_count(layout));
  visit_all([&](const TensorInfo& tensor, std::span<const float> values) {
    std::copy(values.begin(), values.end(), all.begin() + static_cast<std::ptrdiff_t>(tensor.offset));
  });
  return all;
}

}  // namespace

void Dump::write_model(const ModelShape& shape, const std::vector<TensorInfo>& layout,
                       const std::function<void(const Trainer::VisitFloats&)>& visit_all) const {
  const std::string folder = folder_ + "/" + shape.name;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw RunFailure("cannot make the folder " + folder + ": " + error.message());
  write_file(folder + "/config.json", qwen2_config(shape));
  write_file(folder + "/model.safetensors", safetensors_bytes(layout, gathered(layout, visit_all)));
}

void Dump::start(Trainer& trainer, const Batch& batch) {
  if (folder_.empty()) return;
  write_model(config_.teacher, trainer.teacher_layout(),
              [&](const Trainer::VisitFloats& visit) { trainer.for_each_teacher_tensor(visit); });
  write_model(config_.student, trainer.student_layout(),
              [&](const Trainer::VisitFloats& visit) { trainer.for_each_student_tensor(visit); });
  write_file(folder_ + "/batch.json", batch_json(config_, batch));
  const std::vector<float> logits = trainer.student_logits();
  write_file(folder_ + "/logits.f32", {reinterpret_cast<const char*>(logits.data()), logits.size() * sizeof(float)});
}

void Dump::step(const Trainer& trainer, std::uint32_t index, double loss) {
  if (folder_.empty()) return;
  losses_.push_back(loss);
  if (index > 0) return;
  const std::vector<float> gradients = gathered(
      trainer.student_layout(), [&](const Trainer::VisitFloats& visit) { trainer.for_each_student_gradient(visit); });
  write_file(folder_ + "/gradients.safetensors", safetensors_bytes(trainer.student_layout(), gradients));
}

void Dump::finish() const {
  if (!folder_.empty()) write_file(folder_ + "/curve.json", json_list(losses_) + "\n");
}

}  // namespace smgate::workload
