#include "runner/workload/files/checkpoint.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>
#include <set>

#include "runner/workload/files/container.hpp"
#include "runner/workload/files/json_fields.hpp"

namespace smgate::workload {

namespace {

namespace fs = std::filesystem;

constexpr const char* kWhole = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";
constexpr const char* kEmbedding = "model.embed_tokens.weight";
constexpr const char* kHead = "lm_head.weight";
constexpr std::uint32_t kSideMax = 1u << 20;  // no model's width, depth or vocabulary; keeps products in 64 bits
constexpr std::size_t kFilesMax = 1000;       // shards of the largest published checkpoints are some hundred

using Fields = std::map<std::string, std::string>;

template <class Number>
bool parse(const std::string& text, Number& value) {
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  return end.ec == std::errc() && end.ptr == text.data() + text.size();
}

// Fills `error` with the first field that is absent or no such number.
template <class Number>
Number number_of(const Fields& fields, const char* name, Number max, std::string& error) {
  const auto field = fields.find(name);
  Number value{};
  if (field != fields.end() && parse(field->second, value) && value > Number{} && value <= max) return value;
  if (error.empty()) error = std::string("config.json has no usable ") + name;
  return Number{1};
}

std::optional<Dtype> dtype_named(const std::string& name) {
  if (name == "F32") return Dtype::kF32;
  if (name == "F16") return Dtype::kF16;
  if (name == "BF16") return Dtype::kBf16;
  return std::nullopt;
}

Outcome<std::string> read_text(const std::string& path) {
  auto file = MappedFile::open(path);
  if (!file) return Failure{file.error()};
  return std::string(file.value().bytes());
}

// Names of the SafeTensors files, or why there are none.
Outcome<std::vector<std::string>> files_of(const std::string& folder) {
  if (fs::exists(folder + "/" + kWhole)) return std::vector<std::string>{kWhole};
  if (!fs::exists(folder + "/" + kIndex)) {
    std::error_code error;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
      const std::string kind = it->path().extension().string();
      if (kind == ".apr" || kind == ".gguf") {
        return Failure{it->path().string() + " is " + (kind == ".apr" ? "APR" : "GGUF") +
                       "; convert it to SafeTensors, the one container that is read"};
      }
    }
    return Failure{folder + " has neither " + kWhole + " nor " + kIndex};
  }
  const auto text = read_text(folder + "/" + kIndex);
  const auto index = text ? json_fields(text.value()) : Failure{text.error()};
  if (!index) return Failure{std::string(kIndex) + ": " + index.error()};
  const auto map = index.value().find("weight_map");
  const auto places = map == index.value().end() ? Failure{"no weight_map"} : json_fields(map->second);
  if (!places) return Failure{std::string(kIndex) + ": " + places.error()};
  std::set<std::string> names;
  for (const auto& [tensor, file] : places.value()) {
    const std::string name = json_string(file).value_or("");
    if (name.empty() || name.front() == '.' || name.find('/') != std::string::npos) {
      return Failure{std::string(kIndex) + ": tensor " + tensor + " lies in no file of this folder"};
    }
    names.insert(name);
  }
  if (names.empty() || names.size() > kFilesMax) return Failure{std::string(kIndex) + " names no files, or too many"};
  return std::vector<std::string>(names.begin(), names.end());
}

bool same_shape(const StoredTensor& stored, const TensorInfo& wanted) {
  return std::equal(stored.shape.begin(), stored.shape.end(), wanted.shape.begin(), wanted.shape.end());
}

}  // namespace

Outcome<ModelShape> shape_of_config(std::string_view json, const std::string& name) {
  const auto fields = json_fields(json);
  if (!fields) return Failure{"config.json: " + fields.error()};
  const auto type = fields.value().find("model_type");
  const std::string model = type == fields.value().end() ? "" : json_string(type->second).value_or(type->second);
  if (model != "qwen2") {
    return Failure{"config.json: model_type " + (model.empty() ? "is absent" : model) + "; only qwen2 is known here"};
  }
  std::string error;
  const auto side = [&](const char* field) { return number_of<std::uint32_t>(fields.value(), field, kSideMax, error); };
  ModelShape shape{};
  shape.name = name;
  shape.layers = side("num_hidden_layers");
  shape.hidden = side("hidden_size");
  shape.intermediate = side("intermediate_size");
  shape.heads = side("num_attention_heads");
  shape.kv_heads = side("num_key_value_heads");
  shape.vocab = side("vocab_size");
  shape.max_position_embeddings = side("max_position_embeddings");
  shape.rms_norm_eps = number_of<float>(fields.value(), "rms_norm_eps", 1.0f, error);
  shape.rope_theta = number_of<float>(fields.value(), "rope_theta", 1e12f, error);
  if (error.empty() && (shape.hidden % shape.heads != 0 || shape.heads % shape.kv_heads != 0)) {
    error = "config.json: heads do not divide the width, or key heads the heads";
  }
  if (!error.empty()) return Failure{error};
  shape.head_dim = shape.hidden / shape.heads;
  return shape;
}

std::string Checkpoint::add_file(const std::string& path) {
  auto file = MappedFile::open(path);
  if (!file) return file.error();
  const std::string_view bytes = file.value().bytes();
  const std::string container = container_of(bytes.substr(0, kMagicBytes), bytes.size());
  if (container != "safetensors") {
    return path + " is " +
           (container == "apr"    ? "APR"
            : container == "gguf" ? "GGUF"
                                  : "of no known container") +
           ", not SafeTensors";
  }
  const auto parsed = view_safetensors(bytes);
  if (!parsed) return path + ": " + parsed.error();
  for (const StoredTensor& tensor : parsed.value().tensors) {
    const std::string_view data = parsed.value().data.substr(tensor.begin, tensor.end - tensor.begin);
    if (!tensors_.emplace(tensor.name, Place{tensor, data}).second) return path + ": tensor twice: " + tensor.name;
  }
  paths_.push_back(path);
  files_.push_back(std::move(file.value()));
  return "";
}

Outcome<Checkpoint> Checkpoint::open(const std::string& folder, const std::string& name) {
  const auto files = files_of(folder);
  if (!files) return Failure{files.error()};
  const auto text = read_text(folder + "/config.json");
  if (!text) return Failure{text.error()};
  auto shape = shape_of_config(text.value(), name);
  if (!shape) return Failure{folder + "/" + shape.error()};
  Checkpoint checkpoint;
  checkpoint.shape_ = std::move(shape.value());
  for (const std::string& file : files.value()) {
    const std::string error = checkpoint.add_file(folder + "/" + file);
    if (!error.empty()) return Failure{error};
  }
  return checkpoint;
}

Outcome<CheckpointWeights> CheckpointWeights::bind(const Checkpoint& checkpoint, const SeededWeights& adapters) {
  CheckpointWeights weights(adapters);
  for (const TensorInfo& wanted : adapters.layout()) {
    const auto found = checkpoint.tensors_.find(wanted.name);
    if (found == checkpoint.tensors_.end()) {
      if (wanted.name.find(".lora_") == std::string::npos) return Failure{"no tensor " + wanted.name};
      weights.bound_.push_back({Dtype::kF32, {}});
      continue;
    }
    const StoredTensor& stored = found->second.tensor;
    const auto dtype = dtype_named(stored.dtype);
    if (!dtype) return Failure{"tensor " + wanted.name + " is " + stored.dtype + ", not F32, F16 or BF16"};
    if (!same_shape(stored, wanted)) return Failure{"tensor " + wanted.name + " has another shape than config.json"};
    weights.bound_.push_back({*dtype, std::as_bytes(std::span(found->second.data))});
  }
  const auto head = checkpoint.tensors_.find(kHead);
  if (head != checkpoint.tensors_.end() && head->second.data != checkpoint.tensors_.at(kEmbedding).data) {
    return Failure{std::string(kHead) + " differs from " + kEmbedding + ": only tied models are known here"};
  }
  for (const auto& [name, place] : checkpoint.tensors_) {
    const auto& layout = adapters.layout();
    const bool known = name == kHead || name.find("rotary_emb.inv_freq") != std::string::npos ||
                       std::any_of(layout.begin(), layout.end(), [&](const auto& info) { return info.name == name; });
    if (!known) return Failure{"tensor " + name + " is none of this model's"};
  }
  return weights;
}

void CheckpointWeights::for_each_tensor(const Visit& visit) const {
  std::vector<float> seeded;
  for (std::size_t index = 0; index < bound_.size(); ++index) {
    const Bound& bound = bound_[index];
    if (!bound.values.empty()) {
      visit(layout()[index], bound.dtype, bound.values);
      continue;
    }
    seeded.resize(layout()[index].count);
    adapters_.read(index, 0, seeded);
    visit(layout()[index], Dtype::kF32, std::as_bytes(std::span(seeded)));
  }
}

void CheckpointWeights::read(std::size_t index, std::size_t first, std::span<float> values) const {
  const Bound& bound = bound_[index];
  if (bound.values.empty()) return adapters_.read(index, first, values);
  const std::size_t size = bytes_of(bound.dtype);
  to_floats(bound.dtype, bound.values.subspan(first * size, values.size() * size), values);
}

}  // namespace smgate::workload
