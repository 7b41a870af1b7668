// DS-3: the loss falls, strictly, by the policy's margin and robustly, on one frozen batch. The last loss is the median
// of the last three; the trend is judged by Mann-Kendall. Monotone is not asked.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>

#include "common/contract/clauses/learnable.hpp"
#include "common/contract/clauses/rule.hpp"
#include "common/contract/mann_kendall.hpp"
#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

std::string doubt_about_freezing(const Facts& facts, const Policy& policy) {
  std::uint64_t events = 0;
  for (const auto& [id, process] : facts.processes) {
    events += process.batch_events;
    if (process.batch_events_not_frozen > 0)
      return "a batch of the run is not frozen: losses of different batches do not compare";
    if (process.batches.size() > 1) return "the run says that its batch is frozen, and reports several";
  }
  if (events > 0 || policy.frozen_batch_declared) return "";
  return "nobody attests that the batch is frozen (a batch event with frozen: true, or frozen_batch_declared)";
}

std::string doubt_about_losses(const Curve& curve, const Policy& policy) {
  if (curve.loss_not_finite.count > 0) return "the losses are not finite: see DS-2";
  if (curve.without_loss.count > 0 || curve.skipped.count > 0) return "losses are missing: see DS-1";
  if (curve.points.size() < static_cast<std::size_t>(policy.min_steps))
    return fmt::format("{} show no trend; at least {} are asked for", count_of(curve.points.size(), "loss"),
                       policy.min_steps);
  return "";
}

Finding finding(const Curve& curve, std::string kind, std::string message) {
  Finding made;
  made.clause = "DS-3";
  made.kind = std::move(kind);
  made.message = std::move(message);
  made.evidence = {*curve.first, *curve.last};
  return made;
}

double last_loss(const std::vector<Point>& points) {
  const std::size_t n = points.size();
  std::array<double, 3> last = {points[n - 3].loss, points[n - 2].loss, points[n - 1].loss};
  std::sort(last.begin(), last.end());
  return last[1];
}

}  // namespace

Judgement judge_ds_3(const Facts& facts, const Policy& policy) {
  const Process* training = training_process(facts);
  if (training == nullptr) return inconclusive("no step was reported");
  const Curve& curve = training->curve;
  if (const std::string doubt = doubt_about_losses(curve, policy); !doubt.empty()) return inconclusive(doubt);
  if (const std::string why = why_unsatisfiable(facts); !why.empty())
    return {Outcome::not_applicable, "the loss cannot fall as asked on this batch: " + why, {}, {}};
  if (const std::string doubt = doubt_about_freezing(facts, policy); !doubt.empty()) return inconclusive(doubt);

  Judgement judgement;
  const double initial = curve.points.front().loss, final = last_loss(curve.points);
  const double limit = initial * (1 - policy.loss_margin);
  if (!(final < initial && final < limit))
    judgement.findings.push_back(finding(
        curve, "loss_not_falling",
        fmt::format("the loss went from {} to {} (median of the last three); it must end under {} ({:g} % less)",
                    shortest(initial), shortest(final), shortest(limit), policy.loss_margin * 100)));
  std::vector<double> losses;
  for (const Point& point : curve.points) losses.push_back(point.loss);
  const Trend trend = mann_kendall(losses);
  if (!(trend.p_down < policy.mann_kendall_p))
    judgement.findings.push_back(finding(
        curve, "no_downward_trend",
        fmt::format(
            "the losses show no downward trend: Mann-Kendall z {:.2f}, one-sided p {:.3g}; p under {:g} is asked",
            trend.z, trend.p_down, policy.mann_kendall_p)));
  return concluded(std::move(judgement), "");
}

}  // namespace smgate::contract
