// KC-8: the sets of run-time keys on all required architectures are equal, but for differences that the policy declares
// with a reason. Architecture tokens in keys are normalised away. Only where every run completed: the keys of a run
// that stopped are cut short.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <set>

#include "common/contract/clauses/rule.hpp"
#include "common/contract/clauses/run_keys.hpp"
#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

struct Use {
  std::vector<std::string> architectures;  // in the order of the gate file
  SeenKey first;
};
using Uses = std::map<std::pair<std::string, std::string>, Use>;

Uses uses_of(const std::vector<ArchFacts>& required) {
  Uses uses;
  for (const ArchFacts& run : required)
    for (const auto& [place, seen] : run_time_keys(*run.facts)) {
      Use& use = uses[place];
      if (use.architectures.empty()) use.first = seen;
      use.architectures.push_back(run.arch);
    }
  return uses;
}

bool holds(const std::vector<std::string>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

// The difference that allows the key on these architectures alone; null where none does.
const Difference* declared(const Policy& policy, const std::string& key, const Use& use) {
  for (const Difference& difference : policy.differences) {
    const bool allowed = std::all_of(use.architectures.begin(), use.architectures.end(),
                                     [&](const std::string& arch) { return holds(difference.architectures, arch); });
    if (allowed && (matches_pattern(difference.pattern, key) || matches_pattern(difference.pattern, use.first.key)))
      return &difference;
  }
  return nullptr;
}

Finding used_on_some(const std::vector<ArchFacts>& required, const std::string& cache, const Use& use) {
  std::vector<std::string> others;
  for (const ArchFacts& run : required)
    if (!holds(use.architectures, run.arch)) others.push_back(run.arch);
  Finding finding;
  finding.clause = "KC-8";
  finding.kind = "used_on_some";
  finding.key = use.first.key;
  finding.cache = cache;
  finding.architectures = use.architectures;
  finding.evidence = {use.first.ref};
  finding.message = fmt::format("{} is used on {}, not on {}", quoted(use.first.key),
                                fmt::join(use.architectures, " and "), fmt::join(others, " and "));
  return finding;
}

void warn_of_stale_differences(const std::vector<ArchFacts>& required, const Policy& policy,
                               const std::set<const Difference*>& met, Judgement& judgement) {
  for (const Difference& difference : policy.differences) {
    const auto named = [&](const ArchFacts& run) { return holds(difference.architectures, run.arch); };
    const auto count = std::count_if(required.begin(), required.end(), named);
    const bool shows_here = count > 0 && static_cast<std::size_t>(count) < required.size();
    if (!shows_here || met.contains(&difference)) continue;
    judgement.warnings.push_back(
        {"KC-8",
         "declared_difference_gone",
         fmt::format("the declared difference {} (only on {}: {}) no longer occurs: remove it",
                     quoted(difference.pattern), fmt::join(difference.architectures, ", "), difference.reason),
         "",
         {}});
  }
}

// Why there is nothing to compare, yet or at all; empty: there is.
std::string nothing_to_compare(const std::vector<ArchFacts>& required) {
  if (required.size() < 2) return "one architecture is required: there is none to compare it with";
  for (const ArchFacts& run : required) {
    if (run.facts == nullptr) return fmt::format("there is no run on {}", run.arch);
    if (!completed(*run.facts)) return fmt::format("the run on {} did not complete: its keys are cut short", run.arch);
  }
  return "";
}

}  // namespace

Judgement compare_kc_8(const std::vector<ArchFacts>& required, const Policy& policy) {
  if (const std::string why = nothing_to_compare(required); !why.empty()) return not_applicable(why);
  for (const ArchFacts& run : required) {
    if (!lookups_reported(*run.facts))
      return inconclusive(fmt::format("the run on {} reports no lookup: which keys it used is not known", run.arch));
    if (const std::string lost = telemetry_lost(*run.facts); !lost.empty())
      return inconclusive(fmt::format("which keys the run on {} used is not known: {}", run.arch, lost));
  }
  Judgement judgement;
  std::set<const Difference*> met;
  for (const auto& [place, use] : uses_of(required)) {
    if (use.architectures.size() == required.size()) continue;
    if (const Difference* difference = declared(policy, place.second, use))
      met.insert(difference);
    else
      report_finding(judgement, policy, used_on_some(required, place.first, use));
  }
  warn_of_stale_differences(required, policy, met, judgement);
  return concluded(std::move(judgement), "");
}

}  // namespace smgate::contract
