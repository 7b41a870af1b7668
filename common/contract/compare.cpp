#include "common/contract/compare.hpp"

#include <algorithm>

#include "common/contract/causes.hpp"
#include "common/contract/clauses/rule.hpp"
#include "common/contract/clauses/speed.hpp"

namespace smgate::contract {
namespace {

Verdict verdict_of(const std::vector<ClauseResult>& clauses) {
  const auto any = [&](Outcome outcome) {
    return std::any_of(clauses.begin(), clauses.end(), [&](const auto& clause) { return clause.outcome == outcome; });
  };
  if (any(Outcome::fail)) return Verdict::fail;
  return any(Outcome::inconclusive) ? Verdict::inconclusive : Verdict::pass;
}

ArchSummary sum_up(const ArchFacts& run) {
  ArchSummary summary;
  summary.arch = run.arch;
  if (run.base != nullptr) summary.base_tokens_per_s = tokens_per_s(*run.base);
  if (run.facts == nullptr) return summary;
  summary.completed = completed(*run.facts);
  summary.tokens_per_s = tokens_per_s(*run.facts);
  if (const Start* start = main_start(*run.facts)) {
    summary.device = start->device;
  }
  summary.emulated = emulated(*run.facts).value_or(false);
  const Process* training = training_process(*run.facts);
  if (training == nullptr || training->curve.points.empty() || training->curve.without_loss.count > 0) return summary;
  summary.initial_loss = training->curve.points.front().loss;
  summary.final_loss = training->curve.points.back().loss;
  return summary;
}

}  // namespace

Report compare(const std::vector<ArchFacts>& required, const Policy& policy) {
  Report report;
  for (const Rule& rule : rules()) {
    if (rule.compare == nullptr) continue;
    add_judgement(rule, is_fed(rule, policy) ? rule.compare(required, policy) : not_fed(), report);
  }
  report.verdict = verdict_of(report.clauses);
  for (const ArchFacts& run : required) report.architectures.push_back(sum_up(run));
  find_comparing_causes(report);
  bound_findings(report);
  return report;
}

}  // namespace smgate::contract
