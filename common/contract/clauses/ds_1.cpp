// DS-1: one loss per step, steps contiguous from 0, as many as the run declared, at least the policy's number. A
// missing loss is a failure: some trainers drop the field when it is NaN.
#include <spdlog/fmt/fmt.h>

#include "common/contract/clauses/rule.hpp"
#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

bool workload_spoke(const Facts& facts) {
  for (const auto& [id, process] : facts.processes) {
    const bool started = process.start && process.start->ref.source != Source::runner;
    if (started || process.end || process.cache_events > 0 || process.batch_events > 0 || process.error_count > 0)
      return true;
  }
  return false;
}

Finding finding(std::string kind, std::string message, std::uint64_t count) {
  Finding made;
  made.clause = "DS-1";
  made.kind = std::move(kind);
  made.message = std::move(message);
  made.count = count;
  return made;
}

std::vector<EventRef> evidence_of(const OddSteps& odd) {
  std::vector<EventRef> refs;
  for (const OddStep& step : odd.first)
    if (refs.size() < 8) refs.push_back(step.ref);
  return refs;
}

void judge_gaps(const Curve& curve, Judgement& judgement) {
  const auto report = [&](const OddSteps& odd, const char* kind, std::string message) {
    if (odd.count == 0) return;
    judgement.findings.push_back(finding(kind, std::move(message), odd.count));
    judgement.findings.back().evidence = evidence_of(odd);
  };
  std::uint64_t missing = curve.next_step - curve.points.size() - curve.left_out;
  report(curve.skipped, "missing_steps",
         fmt::format("{} of {} reported no loss; the first gap ends at step {}", missing,
                     count_of(curve.next_step, "step"),
                     curve.skipped.first.empty() ? 0 : curve.skipped.first.front().step));
  report(curve.repeated, "repeated_steps",
         fmt::format("{} came again or out of order, the first at step {}", count_of(curve.repeated.count, "step"),
                     curve.repeated.first.empty() ? 0 : curve.repeated.first.front().step));
  report(curve.without_loss, "missing_loss",
         fmt::format("{} carried no loss, the first at step {}", count_of(curve.without_loss.count, "step"),
                     curve.without_loss.first.empty() ? 0 : curve.without_loss.first.front().step));
}

void judge_count(const Facts& facts, const Policy& policy, const Curve& curve, Judgement& judgement) {
  const std::uint64_t steps = curve.next_step;
  const std::optional<std::uint64_t> declared = declared_steps(facts);
  const auto wanted = static_cast<std::uint64_t>(policy.min_steps);
  if (declared && steps < *declared)
    judgement.findings.push_back(finding(
        "too_few_steps", fmt::format("the run reported {} of the {} steps it declared", steps, *declared), steps));
  else if (declared && steps > *declared)
    judgement.findings.push_back(finding(
        "too_many_steps", fmt::format("the run reported {} steps and had declared {}", steps, *declared), steps));
  else if (steps < wanted)
    judgement.findings.push_back(
        finding("too_few_steps",
                fmt::format("the run reported {}; at least {} are asked for", count_of(steps, "step"), wanted), steps));
  else
    return;
  if (curve.last) judgement.findings.back().evidence.push_back(*curve.last);
}

}  // namespace

Judgement judge_ds_1(const Facts& facts, const Policy& policy) {
  Judgement judgement;
  const Process* training = training_process(facts);
  if (training == nullptr) {
    if (!workload_spoke(facts)) return inconclusive("the workload reported nothing");
    judgement.findings.push_back(finding("no_steps", "the run reported no training step", 0));
    if (const std::optional<Symptom> symptom = failure(facts)) judgement.findings.back().evidence = {symptom->ref};
    return concluded(std::move(judgement), "");
  }
  judge_gaps(training->curve, judgement);
  judge_count(facts, policy, training->curve, judgement);
  // A run that reported every step it declared, and then nothing, has still shown its losses.
  const bool as_declared = declared_steps(facts) == training->curve.next_step;
  return concluded(std::move(judgement), as_declared ? "" : doubt_about_completeness(facts));
}

}  // namespace smgate::contract
