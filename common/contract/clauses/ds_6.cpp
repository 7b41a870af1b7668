// DS-6: what ran is what was declared, by the gate file or a manifest: steps as they were counted, everything else as
// the run's own configuration says. What the gate file declares counts before what a manifest does.
#include <spdlog/fmt/fmt.h>

#include <charconv>

#include "common/contract/clauses/rule.hpp"
#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

std::string without_quotes(const std::string& json_text) {
  const bool quoted_text = json_text.size() >= 2 && json_text.front() == '"' && json_text.back() == '"';
  return quoted_text ? json_text.substr(1, json_text.size() - 2) : json_text;
}

std::optional<double> number(const std::string& json_text) {
  const std::string text = without_quotes(json_text);  // manifests quote numbers
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

// Floats pass through binary32 on their way: 1.5e-05 may come back as 1.4999999621e-05.
bool same_value(const std::string& declared, const std::string& ran) {
  const std::optional<double> a = number(declared), b = number(ran);
  if (a && b) return *a == *b || static_cast<float>(*a) == static_cast<float>(*b);
  return without_quotes(declared) == without_quotes(ran);
}

// The policy's, and what run_start's config repeats of a manifest.
std::map<std::string, std::string> declared_for(const Facts& facts, const Policy& policy) {
  constexpr std::string_view kManifest = "manifest.";
  std::map<std::string, std::string> declared = policy.declared;
  for (const auto& [id, process] : facts.processes) {
    if (!process.start) continue;
    for (const auto& [path, value] : process.start->config)
      if (path.starts_with(kManifest)) declared.try_emplace(path.substr(kManifest.size()), value);
  }
  return declared;
}

}  // namespace

Judgement judge_ds_6(const Facts& facts, const Policy& policy) {
  const Process* training = training_process(facts);
  const Start* start = main_start(facts);
  const std::map<std::string, std::string> all_declared = declared_for(facts, policy);
  if (all_declared.empty()) return {Outcome::not_applicable, "nothing is declared to compare the run with", {}, {}};
  Judgement judgement;
  std::string unknown;
  for (const auto& [path, declared] : all_declared) {
    std::string ran;
    EventRef evidence;
    const bool counted = path == "steps" && training != nullptr;
    if (counted) {
      if (!completed(facts)) continue;  // DS-1 says that it stopped
      ran = std::to_string(training->curve.next_step);
      evidence = *training->curve.last;
    } else if (start != nullptr && start->config.contains(path)) {
      ran = start->config.at(path);
      evidence = start->ref;
    } else {
      unknown += fmt::format("{}{} (declared as {})", unknown.empty() ? "" : ", ", path, without_quotes(declared));
      continue;
    }
    if (same_value(declared, ran)) continue;
    Finding finding;
    finding.clause = "DS-6";
    finding.kind = "configuration_mismatch";
    finding.message =
        fmt::format("{} was declared as {}; the run had {}", path, without_quotes(declared), without_quotes(ran));
    finding.evidence = {evidence};
    judgement.findings.push_back(std::move(finding));
  }
  if (!unknown.empty() && !judgement.findings.empty())
    judgement.warnings.push_back({"DS-6", "not_stated", "the run does not say its " + unknown, "", {}});
  return concluded(std::move(judgement),
                   unknown.empty() ? doubt_about_completeness(facts) : "the run does not say its " + unknown);
}

}  // namespace smgate::contract
