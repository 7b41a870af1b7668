#include <gtest/gtest.h>

#include <filesystem>

#include "common/contract/adapters/adapter.hpp"
#include "common/contract/adapters/patterns.hpp"
#include "common/file.hpp"
#include "common/gate/gate_file.hpp"
#include "common/json_reader.hpp"
#include "tests/support/schema.hpp"

namespace smgate {
namespace {

// The reader and the schema must say the same of a document: editors go by the one, verdicts by the other.
struct Agreement {
  bool by_schema;
  bool by_reader;
  std::string words;
};
Agreement judge(const nlohmann::json& document) {
  static const test::JsonSchema schema = test::JsonSchema::of_project("gate_file");
  const std::string mistakes = schema.mistakes(document);
  const Result<GateFile> gate = parse_gate_file(document.dump(), "");
  return {mistakes.empty(), gate.has_value(), mistakes + (gate ? "" : gate.error().text())};
}

nlohmann::json example(const std::string& name) {
  const std::string path = std::string(SMGATE_SOURCE_DIR) + "/schemas/examples/gate/" + name;
  return parse_json_with_comments(read_file(path, kGateFileBytesMax).value()).value();
}

TEST(GateSchema, AcceptsEveryExample) {
  for (const auto& file :
       std::filesystem::directory_iterator(std::string(SMGATE_SOURCE_DIR) + "/schemas/examples/gate")) {
    const Agreement agreement = judge(example(file.path().filename()));
    EXPECT_TRUE(agreement.by_schema && agreement.by_reader) << file.path() << ": " << agreement.words;
  }
}

TEST(GateSchema, AgreesWithTheReaderOnEachFieldMadeWrong) {
  const nlohmann::json full = example("full.smgate.json");
  const nlohmann::json flat = full.flatten();
  const std::vector<nlohmann::json> wrong{nullptr, -7, "", nlohmann::json::array({nlohmann::json::object()}), 1e300};
  for (const auto& [pointer, value] : flat.items())
    for (const nlohmann::json& instead : wrong) {
      if (instead.type() == value.type()) continue;
      nlohmann::json document = full;
      document[nlohmann::json::json_pointer(pointer)] = instead;
      const Agreement agreement = judge(document);
      EXPECT_EQ(agreement.by_schema, agreement.by_reader) << pointer << " = " << instead << ": " << agreement.words;
    }
}

TEST(GateSchema, AgreesWithTheReaderOnAdapters) {
  const auto with = [](const char* adapter) {
    nlohmann::json document = example("small.smgate.json");
    document["adapter"] = nlohmann::json::parse(adapter);
    const Agreement agreement = judge(document);
    EXPECT_EQ(agreement.by_schema, agreement.by_reader) << adapter << ": " << agreement.words;
    return agreement.by_reader;
  };
  for (const contract::AdapterInfo& info : contract::adapters())
    EXPECT_EQ(with(("{\"name\": \"" + std::string(info.name) + "\"}").c_str()), info.name != "regex") << info.name;
  EXPECT_FALSE(with(R"({"name": "regex", "patterns": {}})"));
  EXPECT_FALSE(with(R"({"name": "jax", "manifest": "/etc/passwd"})"));
  EXPECT_TRUE(with(R"json({"name": "regex", "patterns": {"step": "(?P<loss>.*)"}, "manifest": "a/b.json"})json"));
}

TEST(GateSchema, KnowsEveryKindOfPattern) {
  const std::string text =
      read_file(std::string(SMGATE_SOURCE_DIR) + "/schemas/gate_file.schema.json", 1U << 20U).value();
  const nlohmann::json kinds =
      nlohmann::json::parse(text)["properties"]["adapter"]["properties"]["patterns"]["properties"];
  EXPECT_EQ(kinds.size(), contract::pattern_kinds().size());
  for (const std::string_view kind : contract::pattern_kinds()) EXPECT_TRUE(kinds.contains(kind)) << kind;
}

TEST(GateSchema, AgreesWithTheReaderOnUnknownFields) {
  const nlohmann::json full = example("full.smgate.json");
  for (const char* pointer :
       {"/x", "/stages/0/x", "/policy/x", "/exceptions/0/x", "/differences/0/x", "/adapter/x", "/adapter/patterns/x"}) {
    nlohmann::json document = full;
    document[nlohmann::json::json_pointer(pointer)] = 1;
    const Agreement agreement = judge(document);
    EXPECT_FALSE(agreement.by_schema) << pointer;
    EXPECT_FALSE(agreement.by_reader) << pointer;
  }
}

}  // namespace
}  // namespace smgate
