#include "common/contract/adapters/spec.hpp"

#include <spdlog/fmt/fmt.h>

#include <nlohmann/json.hpp>

#include "common/contract/adapters/adapter.hpp"
#include "common/contract/adapters/patterns.hpp"
#include "common/json_reader.hpp"

namespace smgate::contract {
namespace {

constexpr std::int64_t kPatternsOfAKindMax = 16;  // spellings of one line
constexpr std::size_t kManifestPathMax = 4096;    // PATH_MAX

void read_patterns(JsonReader& reader, Patterns& patterns) {
  if (!reader.value().is_object()) return;
  if (reader.value().empty()) reader.mistake("", "must hold a pattern");
  for (const auto& [kind, value] : reader.value().items()) {
    if (!is_pattern_kind(kind)) continue;  // finish() names it
    std::vector<std::string>& of_kind = patterns[kind];
    if (value.is_string()) {
      of_kind.push_back(reader.string(kind, std::nullopt));
      if (const std::string mistake = mistake_in_pattern(kind, of_kind[0]); !mistake.empty())
        reader.mistake(kind, mistake);
      continue;
    }
    of_kind = reader.strings(kind, {1, kPatternsOfAKindMax});
    for (std::size_t i = 0; i < of_kind.size(); ++i)
      if (const std::string mistake = mistake_in_pattern(kind, of_kind[i]); !mistake.empty())
        reader.mistake_in_list(kind, i, mistake);
  }
  reader.finish();
}

// Relative, and inside: what the run declared belongs to its work tree.
bool leaves_the_work_tree(const std::string& path) {
  return path.front() == '/' || ("/" + path + "/").find("/../") != std::string::npos;
}

}  // namespace

AdapterSpec read_adapter_spec(JsonReader& reader) {
  std::vector<std::string> names;
  for (const AdapterInfo& info : adapters()) names.emplace_back(info.name);
  AdapterSpec spec;
  spec.name = reader.one_of("name", std::nullopt, names);
  if (JsonReader* patterns = reader.object("patterns"))
    read_patterns(*patterns, spec.patterns);
  else if (spec.name == "regex")
    reader.mistake("patterns", "is required: without them the adapter reads nothing");
  if (reader.has("manifest")) {
    spec.manifest = reader.string("manifest", std::nullopt);
    if (spec.manifest.empty() || spec.manifest.size() > kManifestPathMax || leaves_the_work_tree(spec.manifest))
      reader.mistake("manifest", "must be the path of a file in the work tree");
  }
  reader.finish();
  return spec;
}

nlohmann::json to_json(const AdapterSpec& spec) {
  nlohmann::json object = {{"name", spec.name}};
  if (!spec.patterns.empty()) object["patterns"] = spec.patterns;
  if (!spec.manifest.empty()) object["manifest"] = spec.manifest;
  return object;
}

Result<AdapterSpec> adapter_spec_from_text(std::string_view text, const std::string& origin) {
  const Result<nlohmann::json> document = parse_json_with_comments(text);
  if (!document) return Error{document.error().text(), origin, "correct the JSON"};
  JsonReader reader(*document);
  AdapterSpec spec = read_adapter_spec(reader);
  if (!reader.mistakes().empty()) return join_mistakes(reader.mistakes(), origin);
  return spec;
}

std::map<std::string, std::string> declared_by_manifest(const nlohmann::json& manifest) {
  // What manifests call a setting, and what run_start's config calls it.
  static const std::map<std::string, std::string> kNames = {{"steps", "steps"},
                                                            {"batch_size", "batch_size"},
                                                            {"seq_len", "seq_len"},
                                                            {"seed", "seed"},
                                                            {"learning_rate", "learning_rate"},
                                                            {"math_mode", "math_mode"},
                                                            {"alpha", "alpha"},
                                                            {"kd_alpha", "alpha"},
                                                            {"temperature", "temperature"},
                                                            {"kd_temperature", "temperature"}};
  std::map<std::string, std::string> declared;
  if (!manifest.is_object()) return declared;
  for (const auto& [name, value] : manifest.items())
    if (const auto known = kNames.find(name); known != kNames.end() && value.is_primitive() && !value.is_null())
      declared[known->second] = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return declared;
}

}  // namespace smgate::contract
