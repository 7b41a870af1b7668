// Real checkpoints as other programs leave them, and hostile ones.
#include "runner/workload/files/checkpoint.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <fstream>

#include "runner/workload/base/random.hpp"
#include "runner/workload/files/json_fields.hpp"
#include "tests/workload/support.hpp"

namespace smgate::workload::test {
namespace {

namespace fs = std::filesystem;

void put(const fs::path& path, const std::string& bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string config_of(const ModelShape& shape, const std::string& type = "qwen2") {
  const auto number = [](const char* name, std::uint32_t value) {
    return ",\"" + std::string(name) + "\": " + std::to_string(value);
  };
  return "{\"model_type\": \"" + type + "\", \"architectures\": [\"Qwen2ForCausalLM\"], \"tie_word_embeddings\": true" +
         number("num_hidden_layers", shape.layers) + number("hidden_size", shape.hidden) +
         number("intermediate_size", shape.intermediate) + number("num_attention_heads", shape.heads) +
         number("num_key_value_heads", shape.kv_heads) + number("vocab_size", shape.vocab) +
         number("max_position_embeddings", shape.max_position_embeddings) +
         ", \"rms_norm_eps\": 1e-06, \"rope_theta\": 1000000.0, \"sliding_window\": null}\n";
}

ModelShape shape_of(const char* name) {
  const RunConfig config = small_config();
  return std::string(name) == "teacher" ? config.teacher : config.student;
}

// One SafeTensors file of these tensors, all of one dtype, with every value the same two or four bytes.
std::string file_of(const std::vector<TensorInfo>& tensors, const std::string& dtype, const std::string& value) {
  std::string header, data;
  for (const TensorInfo& tensor : tensors) {
    std::string shape;
    for (const std::size_t side : tensor.shape) shape += (shape.empty() ? "" : ",") + std::to_string(side);
    const std::size_t begin = data.size();
    for (std::size_t i = 0; i < tensor.count; ++i) data += value;
    header += (header.empty() ? "{\"" : ",\"") + tensor.name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":[" + shape +
              "],\"data_offsets\":[" + std::to_string(begin) + "," + std::to_string(data.size()) + "]}";
  }
  header += "}";
  std::string bytes;
  for (int shift = 0; shift < 64; shift += 8) bytes += static_cast<char>(header.size() >> shift & 255);
  return bytes + header + data;
}

std::string error_of(const fs::path& folder) {
  const auto opened = Checkpoint::open(folder.string(), "student");
  if (!opened) return opened.error();
  const auto bound =
      CheckpointWeights::bind(opened.value(), SeededWeights(tensor_layout(shape_of("student")), 1, 1.0f));
  return bound ? "" : bound.error();
}

const std::string kOneBf16("\x80\x3f", 2);
const std::string kHalfF16("\x00\x38", 2);

TEST(Checkpoint, OfShardsInSixteenBitsReadsAsFloats) {
  const Scratch scratch;
  const auto layout = tensor_layout(shape_of("student"));
  const std::vector<TensorInfo> front(layout.begin(), layout.begin() + 5), back(layout.begin() + 5, layout.end());
  put(scratch / "config.json", config_of(shape_of("student")));
  put(scratch / "a.safetensors", file_of(front, "BF16", kOneBf16));
  put(scratch / "b.safetensors", file_of(back, "F16", kHalfF16));
  put(scratch / "model.safetensors.index.json",
      R"({"metadata": {"total_size": 1}, "weight_map": {"x": "a.safetensors", "y": "b.safetensors"}})");
  const auto opened = Checkpoint::open(scratch.path().string(), "student");
  ASSERT_TRUE(opened) << opened.error();
  EXPECT_EQ(opened.value().shape().head_dim, shape_of("student").head_dim);
  const auto bound = CheckpointWeights::bind(opened.value(), SeededWeights(layout, 1, 1.0f));
  ASSERT_TRUE(bound) << bound.error();
  const auto floats = floats_of(bound.value());
  EXPECT_EQ(floats.front(), 1.0f);
  EXPECT_EQ(floats.back(), 0.5f);
  std::vector<float> some(3);
  bound.value().read(5, 1, some);
  EXPECT_EQ(some, std::vector<float>(3, 0.5f));
  EXPECT_TRUE(weights_finite(bound.value()));
}

TEST(Checkpoint, TakesAHeadThatIsTheEmbeddingAndRefusesAnother) {
  const Scratch scratch;
  auto tensors = tensor_layout(shape_of("student"));
  put(scratch / "config.json", config_of(shape_of("student")));
  TensorInfo head = tensors.front();
  head.name = "lm_head.weight";
  tensors.push_back(head);
  std::string bytes = file_of(tensors, "BF16", kOneBf16);
  put(scratch / "model.safetensors", bytes);
  EXPECT_EQ(error_of(scratch.path()), "");
  bytes.back() = 0;
  put(scratch / "model.safetensors", bytes);
  EXPECT_NE(error_of(scratch.path()).find("tied"), std::string::npos);
}

TEST(Checkpoint, IsRefusedByNameWhereItIsNotOurs) {
  const Scratch scratch;
  put(scratch / "apr" / "model.apr", "APRN");
  EXPECT_NE(error_of(scratch / "apr").find("APR"), std::string::npos);
  put(scratch / "gguf" / "model.gguf", "GGUF");
  EXPECT_NE(error_of(scratch / "gguf").find("GGUF"), std::string::npos);
  put(scratch / "named" / "config.json", config_of(shape_of("student")));
  put(scratch / "named" / "model.safetensors", "GGUF and more than eight bytes");
  EXPECT_NE(error_of(scratch / "named").find("GGUF"), std::string::npos);
  put(scratch / "llama" / "config.json", config_of(shape_of("student"), "llama"));
  put(scratch / "llama" / "model.safetensors", file_of(tensor_layout(shape_of("student")), "BF16", kOneBf16));
  EXPECT_NE(error_of(scratch / "llama").find("llama"), std::string::npos);
  EXPECT_NE(error_of(scratch / "absent").find("model.safetensors"), std::string::npos);
}

TEST(Checkpoint, RefusesWhatDoesNotFitItsConfig) {
  const Scratch scratch;
  auto layout = tensor_layout(shape_of("student"));
  put(scratch / "config.json", config_of(shape_of("student")));
  put(scratch / "model.safetensors", file_of(layout, "F64", std::string(8, '\0')));
  EXPECT_NE(error_of(scratch.path()).find("F64"), std::string::npos);
  TensorInfo odd = layout.back();
  odd.name = "model.odd";
  layout.push_back(odd);
  put(scratch / "model.safetensors", file_of(layout, "BF16", kOneBf16));
  EXPECT_NE(error_of(scratch.path()).find("model.odd"), std::string::npos);
  layout.resize(3);
  put(scratch / "model.safetensors", file_of(layout, "BF16", kOneBf16));
  EXPECT_NE(error_of(scratch.path()).find("no tensor"), std::string::npos);
}

TEST(Checkpoint, RefusesAnIndexThatLeadsOutOfTheFolder) {
  const Scratch scratch;
  put(scratch / "config.json", config_of(shape_of("student")));
  for (const char* name : {"../x.safetensors", "/etc/passwd", ".", ""}) {
    put(scratch / "model.safetensors.index.json", R"({"weight_map": {"a": ")" + std::string(name) + "\"}}");
    EXPECT_NE(error_of(scratch.path()).find("no file of this folder"), std::string::npos) << name;
  }
}

TEST(ConfigOfACheckpoint, RefusesEveryCutAndNumbersThatAreNone) {
  const std::string whole = config_of(shape_of("student"));
  EXPECT_TRUE(shape_of_config(whole, "student"));
  for (std::size_t length = 0; length + 1 < whole.size(); ++length)
    EXPECT_FALSE(shape_of_config(whole.substr(0, length), "student")) << length;
  for (const auto& [from, to] : {std::pair{"\"hidden_size\": 56", "\"hidden_size\": -1"},
                                 {"\"hidden_size\": 56", "\"hidden_size\": 57"},
                                 {"\"hidden_size\": 56", "\"hidden_size\": 99999999999999999999"},
                                 {"1e-06", "0"},
                                 {"1e-06", "nan"}}) {
    std::string bad = whole;
    bad.replace(bad.find(from), std::string(from).size(), to);
    EXPECT_FALSE(shape_of_config(bad, "student")) << to;
  }
}

TEST(JsonFields, AreBoundedInDepthAndStrictAboutNames) {
  EXPECT_FALSE(json_fields("{\"a\": " + std::string(100'000, '[')));
  EXPECT_FALSE(json_fields(R"({"a": 1, "a": 2})"));
  EXPECT_FALSE(json_fields(R"({"a": 1} x)"));
  EXPECT_FALSE(json_fields(R"({"a": })"));
  EXPECT_EQ(json_fields(R"({"a": {"b": [1, "}"]}})").value().at("a"), R"({"b": [1, "}"]})");
}

TEST(SmokeMain, TrainsTheCheckpointsOfAFolder) {
  const Scratch scratch;
  for (const char* name : {"teacher", "student"}) {
    const auto layout = tensor_layout(shape_of(name));
    put(scratch / name / "config.json", config_of(shape_of(name)));
    put(scratch / name / "model.safetensors", safetensors_bytes(layout, seeded_weights(layout, 3, 0.1f)));
  }
  const SmokeRun run =
      smoke({"--arch", "sm_89", "--compiler", "none", "--steps", "2", "--weights", scratch.path().string()});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_EQ(field(run.of("weights").at(0), "path"), (scratch / "teacher").string());
  EXPECT_NE(run.of("run_start").at(0).find("\"vocab\":48"), std::string::npos);
  put(scratch / "student" / "config.json", config_of(shape_of("student"), "gpt2"));
  const SmokeRun refused = smoke({"--arch", "sm_89", "--compiler", "none", "--weights", scratch.path().string()});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_EQ(field(refused.of("weights").at(0), "ok"), "false");
  EXPECT_NE(field(refused.of("error").at(0), "text").find("gpt2"), std::string::npos);
}

TEST(SeededWeights, AreTheSameWhereverReadingStarts) {
  const auto layout = tensor_layout(shape_of("student"), 2);
  const SeededWeights seeded(layout, 7, 0.5f);
  const auto all = seeded_weights(layout, 7, 0.5f);
  Random random(7);
  EXPECT_EQ(all[0], 0.5f * random.normal());
  EXPECT_EQ(all[1], 0.5f * random.normal());
  for (std::size_t index = 0; index < layout.size(); ++index) {
    std::vector<float> last(1);
    seeded.read(index, layout[index].count - 1, last);
    EXPECT_EQ(last[0], all[layout[index].offset + layout[index].count - 1]) << layout[index].name;
  }
  EXPECT_NE(weights_digest(seeded), weights_digest(SeededWeights(layout, 8, 0.5f)));
}

TEST(WeightsDigest, SeesEveryValueAndEveryNumberThatIsNone) {
  const std::vector<TensorInfo> layout = {{"a", {3}, 0, 3}};
  std::vector<float> values = {1, 2, 3};
  const std::string before = weights_digest(FloatWeights(layout, values));
  values[2] = std::bit_cast<float>(0x7f800000u);
  EXPECT_NE(weights_digest(FloatWeights(layout, values)), before);
  EXPECT_FALSE(weights_finite(FloatWeights(layout, values)));
}

}  // namespace
}  // namespace smgate::workload::test
