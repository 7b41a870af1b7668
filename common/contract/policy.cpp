#include "common/contract/policy.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/ids.hpp"
#include "common/json_reader.hpp"

namespace smgate::contract {
namespace {

constexpr std::int64_t kEntriesMax = 1000;       // exceptions or differences; more are a list nobody reads
constexpr std::int64_t kStepsMax = 100'000'000;  // longer than any smoke
constexpr std::size_t kPatternCharsMax = 4096;   // as long as a key may be
constexpr std::int64_t kBytesMax = 1LL << 50;    // a petabyte: above any device
constexpr FloatRange kShare{0, 1};
const std::vector<std::string> kClauses = {"KC-1", "KC-2", "KC-3", "KC-4", "KC-5", "KC-6", "KC-7", "KC-8", "KC-9",
                                           "DS-1", "DS-2", "DS-3", "DS-4", "DS-5", "DS-6", "DS-7", "DS-8", "DS-9"};

std::string read_reason(JsonReader& reader) {
  std::string reason = reader.string("reason", std::nullopt);
  if (reader.has("reason") && reason.find_first_not_of(" \t\n") == std::string::npos)
    reader.mistake("reason", "must say why");
  return reason;
}

std::string read_pattern(JsonReader& reader) {
  std::string pattern = reader.string("pattern", std::nullopt);
  if (reader.has("pattern") && (pattern.empty() || pattern.size() > kPatternCharsMax))
    reader.mistake("pattern", fmt::format("must have 1 to {} characters", kPatternCharsMax));
  return pattern;
}

void read_declared(JsonReader& reader, Policy& policy) {
  policy.declared.clear();
  if (!reader.value().is_object()) return;
  for (const auto& [name, value] : reader.value().items()) {
    if (!reader.has(name)) continue;  // marks it as known
    if (value.is_structured() || value.is_null())
      reader.mistake(name, "must be a number, a string, true or false");
    else
      policy.declared[name] = value.dump();
  }
}

nlohmann::json values_to_json(const Policy& policy) {
  nlohmann::json declared = nlohmann::json::object();
  for (const auto& [name, text] : policy.declared) declared[name] = nlohmann::json::parse(text);
  nlohmann::json values = {{"min_steps", policy.min_steps},
                           {"allow_zero_loss", policy.allow_zero_loss},
                           {"allow_repeated_loss", policy.allow_repeated_loss},
                           {"loss_margin", policy.loss_margin},
                           {"mann_kendall_p", policy.mann_kendall_p},
                           {"conflicting_label_share", policy.conflicting_label_share},
                           {"frozen_batch_declared", policy.frozen_batch_declared},
                           {"checkpoint_required", policy.checkpoint_required},
                           {"declared", declared},
                           {"agreement_step0_fp32", policy.agreement_step0_fp32},
                           {"agreement_step0_bf16", policy.agreement_step0_bf16},
                           {"agreement_step", policy.agreement_step},
                           {"agreement_free_share", policy.agreement_free_share},
                           {"speed_loss_share", policy.speed_loss_share},
                           {"waste_budget_bytes", policy.waste_budget_bytes},
                           {"workspace_share", policy.workspace_share}};
  if (!policy.run_time_ptx_declared.empty())
    values["run_time_ptx_declared"] = {{"reason", policy.run_time_ptx_declared}};
  return values;
}

}  // namespace

bool matches_pattern(std::string_view pattern, std::string_view text) {
  // Backtracks to the last star only, which is enough for globs: linear in practice, quadratic at worst.
  std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || (pattern[p] == text[t] && pattern[p] != '*'))) {
      ++p, ++t;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

const Exception* find_exception(const Policy& policy, std::string_view clause, std::string_view key) {
  for (const Exception& exception : policy.exceptions)
    if (exception.clause == clause && matches_pattern(exception.pattern, key)) return &exception;
  return nullptr;
}

void read_policy_values(JsonReader& reader, Policy& policy) {
  policy.min_steps = reader.integer("min_steps", policy.min_steps, {3, kStepsMax});
  policy.allow_zero_loss = reader.boolean("allow_zero_loss", policy.allow_zero_loss);
  policy.allow_repeated_loss = reader.boolean("allow_repeated_loss", policy.allow_repeated_loss);
  policy.loss_margin = reader.number("loss_margin", policy.loss_margin, {0, 0.99});
  policy.mann_kendall_p = reader.number("mann_kendall_p", policy.mann_kendall_p, {1e-12, 0.5});
  policy.conflicting_label_share = reader.number("conflicting_label_share", policy.conflicting_label_share, kShare);
  policy.frozen_batch_declared = reader.boolean("frozen_batch_declared", policy.frozen_batch_declared);
  policy.checkpoint_required = reader.boolean("checkpoint_required", policy.checkpoint_required);
  if (JsonReader* declared = reader.object("declared")) read_declared(*declared, policy);
  policy.agreement_step0_fp32 = reader.number("agreement_step0_fp32", policy.agreement_step0_fp32, kShare);
  policy.agreement_step0_bf16 = reader.number("agreement_step0_bf16", policy.agreement_step0_bf16, kShare);
  policy.agreement_step = reader.number("agreement_step", policy.agreement_step, kShare);
  policy.agreement_free_share = reader.number("agreement_free_share", policy.agreement_free_share, kShare);
  policy.speed_loss_share = reader.number("speed_loss_share", policy.speed_loss_share, kShare);
  policy.waste_budget_bytes = reader.integer("waste_budget_bytes", policy.waste_budget_bytes, {0, kBytesMax});
  policy.workspace_share = reader.number("workspace_share", policy.workspace_share, kShare);
  if (JsonReader* ptx = reader.object("run_time_ptx_declared")) {
    policy.run_time_ptx_declared = read_reason(*ptx);
    ptx->finish();
  }
  reader.finish();
}

void read_exceptions(JsonReader& gate_file, Policy& policy) {
  for (JsonReader* reader : gate_file.objects("exceptions", {0, kEntriesMax})) {
    Exception exception;
    exception.clause = reader->one_of("clause", std::nullopt, kClauses);
    exception.pattern = read_pattern(*reader);
    exception.reason = read_reason(*reader);
    reader->finish();
    policy.exceptions.push_back(std::move(exception));
  }
}

void read_differences(JsonReader& gate_file, Policy& policy) {
  for (JsonReader* reader : gate_file.objects("differences", {0, kEntriesMax})) {
    Difference difference;
    difference.pattern = read_pattern(*reader);
    difference.architectures = reader->strings("architectures", {1, 64});
    for (std::size_t i = 0; i < difference.architectures.size(); ++i)
      if (const Result<Arch> arch = parse_arch(difference.architectures[i]); !arch)
        reader->mistake_in_list("architectures", i, arch.error().text());
    difference.reason = read_reason(*reader);
    reader->finish();
    policy.differences.push_back(std::move(difference));
  }
}

void read_extra_runs(JsonReader& gate_file, Policy& policy) {
  policy.stability = gate_file.boolean("stability", policy.stability);
  if (!gate_file.has("controls")) return;
  policy.controls.clear();
  const std::vector<std::string> names = gate_file.strings("controls", {0, kControlNames.size()});
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (std::find(kControlNames.begin(), kControlNames.end(), names[i]) == kControlNames.end())
      gate_file.mistake_in_list("controls", i, "must be one of lr0, shuffled-labels, no-prewarm, nan");
    else if (std::find(policy.controls.begin(), policy.controls.end(), names[i]) != policy.controls.end())
      gate_file.mistake_in_list("controls", i, fmt::format("{} stands there twice", names[i]));
    else
      policy.controls.push_back(names[i]);
  }
}

void read_policy(JsonReader& gate_file, Policy& policy) {
  if (JsonReader* values = gate_file.object("policy")) read_policy_values(*values, policy);
  read_exceptions(gate_file, policy);
  read_differences(gate_file, policy);
}

nlohmann::json to_json(const Policy& policy) {
  nlohmann::json exceptions = nlohmann::json::array();
  for (const Exception& e : policy.exceptions)
    exceptions.push_back({{"clause", e.clause}, {"pattern", e.pattern}, {"reason", e.reason}});
  nlohmann::json differences = nlohmann::json::array();
  for (const Difference& d : policy.differences)
    differences.push_back({{"pattern", d.pattern}, {"architectures", d.architectures}, {"reason", d.reason}});
  nlohmann::json contracts = nlohmann::json::array();
  if (policy.judge_kernel_cache) contracts.push_back("kernel_cache");
  if (policy.judge_distillation) contracts.push_back("distillation");
  return {{"policy", values_to_json(policy)}, {"exceptions", exceptions},      {"differences", differences},
          {"controls", policy.controls},      {"stability", policy.stability}, {"contracts", contracts}};
}

Result<Policy> policy_from_json(const nlohmann::json& document, const std::string& origin) {
  Policy policy;
  JsonReader reader(document);
  read_policy(reader, policy);
  read_extra_runs(reader, policy);
  if (reader.has("contracts")) {
    const std::vector<std::string> contracts = reader.strings("contracts", {0, 2});
    policy.judge_kernel_cache = std::find(contracts.begin(), contracts.end(), "kernel_cache") != contracts.end();
    policy.judge_distillation = std::find(contracts.begin(), contracts.end(), "distillation") != contracts.end();
  }
  reader.finish();
  if (!reader.mistakes().empty()) return join_mistakes(reader.mistakes(), origin);
  return policy;
}

}  // namespace smgate::contract
