#include "common/gate/gate_file.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "common/json_reader.hpp"
#include "common/protocol/messages.hpp"
#include "common/protocol/names.hpp"

namespace smgate {
namespace {

constexpr std::int64_t kVersion = 1;
constexpr std::int64_t kArchitecturesMax = 16;  // a check run each on GitHub
constexpr std::int64_t kStagesMax = 32;
constexpr std::int64_t kStageTimeoutDefault_s = 1800;
constexpr std::int64_t kStageTimeoutMax_s = 86'400;  // a job that needs more than a day is no gate
constexpr std::int64_t kArgumentsMax = 1024;

// A folder of the runner bears it, and the protocol refuses a job that names another.
bool is_stage_name(const std::string& name) { return protocol::is_plain_name(name, protocol::kStageNameMax); }

// POSIX: what a shell can name. SMGATE_ is ours.
bool is_variable_name(const std::string& name) {
  const auto word = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || (c >= '0' && c <= '9');
  };
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::all_of(name.begin(), name.end(), word);
}

std::vector<std::string> read_command(JsonReader& reader) {
  const auto command = reader.value().is_object() ? reader.value().find("command") : reader.value().end();
  if (command != reader.value().end() && command->is_string()) {
    const std::string line = reader.string("command", std::nullopt);
    if (line.empty()) reader.mistake("command", "must not be empty");
    return {"/bin/sh", "-c", line};
  }
  std::vector<std::string> argv = reader.strings("command", {1, kArgumentsMax});
  if (!argv.empty() && argv[0].empty()) reader.mistake("command", "must begin with a program");
  return argv;
}

std::map<std::string, std::string> read_environment(JsonReader* reader) {
  std::map<std::string, std::string> env;
  if (reader == nullptr || !reader->value().is_object()) return env;
  for (const auto& [name, value] : reader->value().items()) {
    if (!is_variable_name(name))
      reader->mistake(name, "is no name of an environment variable");
    else if (name.rfind("SMGATE_", 0) == 0)
      reader->mistake(name, "is smgate's own and cannot be set here");
    env[name] = reader->string(name, std::nullopt);
  }
  return env;
}

Stage read_stage(JsonReader& reader, std::set<std::string>& names) {
  Stage stage;
  stage.name = reader.string("name", std::nullopt);
  if (!is_stage_name(stage.name))
    reader.mistake("name", "must be 1 to 64 letters, digits, '.', '_' and '-', not starting with '.' or '-'");
  else if (!names.insert(stage.name).second)
    reader.mistake("name", fmt::format("\"{}\" is the name of an earlier stage, too", stage.name));
  stage.argv = read_command(reader);
  stage.timeout_s = static_cast<int>(reader.integer("timeout_s", kStageTimeoutDefault_s, {1, kStageTimeoutMax_s}));
  stage.env = read_environment(reader.object("env"));
  const std::string feeds = reader.one_of("contract", "none", {"none", "kernel_cache", "distillation", "both"});
  stage.feeds = protocol::parse_feeds(feeds).value_or(Feeds::none);
  reader.finish();
  return stage;
}

std::vector<Arch> read_architectures(JsonReader& reader) {
  std::vector<Arch> architectures;
  const std::vector<std::string> texts = reader.strings("architectures", {1, kArchitecturesMax});
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const Result<Arch> arch = parse_arch(texts[i]);
    if (!arch)
      reader.mistake_in_list("architectures", i, arch.error().text());
    else if (std::find(architectures.begin(), architectures.end(), *arch) != architectures.end())
      reader.mistake_in_list("architectures", i, fmt::format("{} stands there twice", texts[i]));
    else
      architectures.push_back(*arch);
  }
  return architectures;
}

bool any_feeds(const std::vector<Stage>& stages, Feeds contract) {
  return std::any_of(stages.begin(), stages.end(),
                     [&](const Stage& stage) { return stage.feeds == contract || stage.feeds == Feeds::both; });
}

GateFile read_gate_file(JsonReader& reader) {
  GateFile gate;
  (void)reader.string("$schema", "");  // for editors
  if (reader.integer("version", std::nullopt, {0, INT64_MAX}) != kVersion && reader.has("version"))
    reader.mistake("version", fmt::format("must be {}: this smgate knows no other", kVersion));
  gate.architectures = read_architectures(reader);
  std::set<std::string> names;
  for (JsonReader* stage : reader.objects("stages", {1, kStagesMax})) gate.stages.push_back(read_stage(*stage, names));
  if (JsonReader* adapter = reader.object("adapter")) gate.adapter = contract::read_adapter_spec(*adapter);
  contract::read_policy(reader, gate.policy);
  contract::read_extra_runs(reader, gate.policy);
  gate.policy.judge_kernel_cache = any_feeds(gate.stages, Feeds::kernel_cache);
  gate.policy.judge_distillation = any_feeds(gate.stages, Feeds::distillation);
  reader.finish();
  return gate;
}

void check_that_something_is_judged(JsonReader& reader, const GateFile& gate) {
  if (!gate.stages.empty() && !gate.policy.judge_kernel_cache && !gate.policy.judge_distillation)
    reader.mistake("stages", "none of them feeds a contract: set \"contract\" on the stage that runs the workload");
}

}  // namespace

Result<GateFile> parse_gate_file(std::string_view text, const std::string& origin) {
  const Result<nlohmann::json> document = parse_json_with_comments(text);
  if (!document) return Error{document.error().text(), origin, "correct the JSON"};
  JsonReader reader(*document);
  GateFile gate = read_gate_file(reader);
  check_that_something_is_judged(reader, gate);
  if (!reader.mistakes().empty()) {
    Error error = join_mistakes(reader.mistakes(), origin);
    error.next = "schemas/gate_file.schema.json says what it may hold";
    return error;
  }
  return gate;
}

GatePlan combine(const std::optional<GateFile>& base, const GateFile& head) {
  if (!base) return {head, true};
  GatePlan plan{head, false};
  plan.gate.architectures = base->architectures;
  plan.gate.policy = base->policy;
  // A head that asks for more is judged by more; one that asks for less is still judged by all the base asks for.
  plan.gate.policy.judge_kernel_cache |= head.policy.judge_kernel_cache;
  plan.gate.policy.judge_distillation |= head.policy.judge_distillation;
  return plan;
}

}  // namespace smgate
