// KC-6: a pre-warmed key that nothing looked up is waste, reported with its bytes.
#include <spdlog/fmt/fmt.h>

#include "common/contract/clauses/rule.hpp"
#include "common/contract/coverage.hpp"
#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

bool any_lookup(const KeysAcross& keys) {
  for (const auto& [place, in_processes] : keys)
    for (const KeyInProcess& where : in_processes)
      if (where.key->looked_up()) return true;
  return false;
}

// None where some process used the key, or none pre-warmed it.
std::optional<Finding> waste(const std::string& cache, const std::string& name,
                             const std::vector<KeyInProcess>& places) {
  Finding finding;
  finding.bytes = 0;
  for (const KeyInProcess& where : places) {
    if (where.key->looked_up()) return std::nullopt;
    if (!where.key->prewarmed()) continue;
    *finding.bytes += where.key->bytes;
    if (!where.key->offers.empty()) {
      finding.scope = where.key->offers.front().scope;
      if (finding.evidence.size() < kSamplesMax) finding.evidence.push_back(where.key->offers.front().first);
    } else if (!where.key->targets.empty()) {
      finding.evidence.push_back(where.key->targets.front().first);
    }
    finding.kind = "waste";
  }
  if (finding.kind.empty()) return std::nullopt;
  finding.clause = "KC-6";
  finding.key = name;
  finding.cache = cache;
  finding.message =
      fmt::format("{} was pre-warmed and nothing looked it up: {}", quoted(name), bytes_for_people(*finding.bytes));
  return finding;
}

}  // namespace

Judgement judge_kc_6(const Facts& facts, const Policy& policy) {
  const KeysAcross keys = keys_across(facts);
  if (!any_lookup(keys)) return inconclusive("no lookup was reported: which keys the run used is not known");
  if (const std::string doubt = doubt_about_kernels(facts); !doubt.empty()) return inconclusive(doubt);
  Judgement judgement;
  std::uint64_t bytes = 0;
  for (const auto& [place, in_processes] : keys)
    if (std::optional<Finding> finding = waste(place.first, place.second, in_processes))
      report_finding(judgement, policy, std::move(*finding));
  for (const Finding& finding : judgement.findings) bytes += *finding.bytes;
  if (policy.waste_budget_bytes > 0 && bytes <= static_cast<std::uint64_t>(policy.waste_budget_bytes)) {
    for (Finding& finding : judgement.findings)
      judgement.warnings.push_back({"KC-6", "waste_within_budget", finding.message, finding.key, finding.evidence});
    judgement.findings.clear();
  }
  return concluded(std::move(judgement), "");
}

}  // namespace smgate::contract
