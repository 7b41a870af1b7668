#include "server/verdict/report_words.hpp"

#include <nlohmann/json.hpp>
#include <stdexcept>

namespace smgate::verdict {

store::RunVerdict verdict_of(contract::Verdict verdict) {
  if (verdict == contract::Verdict::pass) return store::RunVerdict::pass;
  return verdict == contract::Verdict::fail ? store::RunVerdict::fail : store::RunVerdict::inconclusive;
}

std::string first_cause_of(const contract::Report& report) {
  const bool passed = report.verdict == contract::Verdict::pass;
  return passed || report.causes.empty() ? "" : report.causes.front().id;
}

std::string reason_of(const contract::Report& report) {
  if (report.verdict == contract::Verdict::pass) return "";
  if (!report.causes.empty()) return report.causes.front().text;
  const auto wanted =
      report.verdict == contract::Verdict::fail ? contract::Outcome::fail : contract::Outcome::inconclusive;
  for (const contract::ClauseResult& clause : report.clauses)
    if (clause.outcome == wanted) return clause.id + ": " + clause.reason;
  return "";
}

contract::Policy policy_from(const std::string& policy_json) {
  Result<contract::Policy> policy =
      contract::policy_from_json(nlohmann::json::parse(policy_json), "the policy of the run");
  if (!policy) throw std::runtime_error(policy.error().text());
  return std::move(*policy);
}

}  // namespace smgate::verdict
