#include "common/contract/judge.hpp"

#include <algorithm>
#include <cmath>

#include "common/contract/causes.hpp"
#include "common/contract/clauses/rule.hpp"

namespace smgate::contract {
namespace {

Verdict verdict_of(const std::vector<ClauseResult>& clauses) {
  const auto any = [&](Outcome outcome) {
    return std::any_of(clauses.begin(), clauses.end(), [&](const auto& clause) { return clause.outcome == outcome; });
  };
  if (any(Outcome::fail)) return Verdict::fail;
  return any(Outcome::inconclusive) || !any(Outcome::pass) ? Verdict::inconclusive : Verdict::pass;
}

void count_kernels(const Facts& facts, Summary& summary) {
  for (const auto& [id, process] : facts.processes) {
    for (const auto& [cache, keys] : process.caches)
      for (const auto& [name, key] : keys) {
        if (key.looked_up()) ++summary.keys_looked_up;
        if (key.prewarmed()) ++summary.keys_prewarmed;
        const std::uint64_t late = process.marks > 0 ? key.compiles.late_total() : 0;
        summary.compiles += key.compiles.in_prewarm + key.compiles.late_total();
        summary.late_compiles += late;
      }
    summary.compiles += process.unkeyed.size();
    if (process.marks > 0) summary.late_compiles += process.unkeyed.size();
  }
}

void sum_up_training(const Facts& facts, Summary& summary) {
  const Process* training = training_process(facts);
  if (training == nullptr) return;
  const Curve& curve = training->curve;
  summary.steps = curve.next_step;
  if (curve.points.empty() || curve.without_loss.count > 0) return;
  summary.initial_loss = curve.points.front().loss;
  summary.final_loss = curve.points.back().loss;
}

Summary sum_up(const Facts& facts) {
  Summary summary;
  if (const Start* start = main_start(facts)) {
    summary.workload = start->workload;
    summary.version = start->version;
    summary.arch = start->arch;
    summary.device = start->device;
    summary.compiler = start->compiler;
  }
  summary.emulated = emulated(facts);
  for (const auto& [id, process] : facts.processes)
    if (process.start && process.start->cold) summary.cold = summary.cold.value_or(true) && *process.start->cold;
  summary.declared_steps = declared_steps(facts);
  summary.completed = completed(facts);
  if (const std::optional<Symptom> symptom = failure(facts)) summary.symptom = symptom->text;
  summary.events = facts.events;
  count_kernels(facts, summary);
  sum_up_training(facts, summary);
  return summary;
}

constexpr const char* kComparesRuns = "it compares the runs of all required architectures, once all are there";
constexpr const char* kNeedsMoreRuns = "one run alone is judged here";

Judgement judge_rule(const Rule& rule, const Facts& facts, const JobFacts* job, const Policy& policy) {
  if (!is_fed(rule, policy)) return not_fed();
  if (rule.judge != nullptr) return rule.judge(facts, policy);
  if (rule.judge_job == nullptr) return not_applicable(kComparesRuns);
  return job == nullptr ? not_applicable(kNeedsMoreRuns) : rule.judge_job(*job, policy);
}

Report judge_with(const Facts& facts, const JobFacts* job, const Policy& policy) {
  Report report;
  for (const Rule& rule : rules()) add_judgement(rule, judge_rule(rule, facts, job, policy), report);
  report.verdict = verdict_of(report.clauses);
  report.summary = sum_up(facts);
  find_causes(facts, report);
  bound_findings(report);
  return report;
}

}  // namespace

Report judge(const Facts& facts, const Policy& policy) { return judge_with(facts, nullptr, policy); }
Report judge(const JobFacts& facts, const Policy& policy) { return judge_with(facts.main, &facts, policy); }

}  // namespace smgate::contract
