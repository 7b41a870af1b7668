// DS-2: every loss and gradient norm is finite; no loss is exactly 0.0 and none repeats three times in a row at full
// precision, unless the policy says so (a trainer that filters NaN prints 0.0, which looks like progress).
#include <spdlog/fmt/fmt.h>

#include "common/contract/clauses/rule.hpp"
#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

constexpr std::size_t kEvidenceMax = 8;

Finding finding(const OddSteps& odd, std::string kind, const std::string& what) {
  Finding made;
  made.clause = "DS-2";
  made.kind = std::move(kind);
  made.count = odd.count;
  const OddStep& first = odd.first.front();
  made.message = fmt::format("{} {}, the first at step {}{}", count_of(odd.count, "step"), what, first.step,
                             first.what.empty() ? "" : ": " + first.what);
  for (const OddStep& step : odd.first)
    if (made.evidence.size() < kEvidenceMax) made.evidence.push_back(step.ref);
  return made;
}

}  // namespace

Judgement judge_ds_2(const Facts& facts, const Policy& policy) {
  const Process* training = training_process(facts);
  if (training == nullptr) return inconclusive("no step was reported");
  Judgement judgement;
  const auto judge = [&](const OddSteps& odd, const char* kind, const char* what) {
    if (odd.count > 0) judgement.findings.push_back(finding(odd, kind, what));
  };
  // Every rank's values must be finite, not only those of the curve that is shown.
  for (const auto& [id, process] : facts.processes) {
    judge(process.curve.loss_not_finite, "loss_not_finite", "had a loss that is not finite");
    judge(process.curve.grad_norm_not_finite, "grad_norm_not_finite", "had a gradient norm that is not finite");
  }
  const Curve& curve = training->curve;
  if (!policy.allow_zero_loss) judge(curve.loss_zero, "loss_zero", "had a loss of exactly 0.0");
  if (!policy.allow_repeated_loss && curve.loss_stuck.count > 0) {
    Finding stuck = finding(curve.loss_stuck, "loss_repeats", "repeated the losses of the two before exactly");
    // A log prints few digits: a repeat there need not be one. Whoever else told something of the run changes nothing.
    if (curve.loss_stuck.first.front().ref.source == Source::adapter)
      judgement.warnings.push_back(
          {"DS-2", "loss_repeats", stuck.message + " (as printed in a log)", "", stuck.evidence});
    else
      judgement.findings.push_back(std::move(stuck));
  }
  const bool gaps = curve.skipped.count > 0 || curve.without_loss.count > 0;
  return concluded(std::move(judgement), gaps ? "losses are missing: see DS-1" : doubt_about_completeness(facts));
}

}  // namespace smgate::contract
