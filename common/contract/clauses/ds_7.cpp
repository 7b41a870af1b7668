// DS-7: from the same initial weights and tokens, in the same math mode, the loss curves of two architectures agree.
// Two emulated runs agree by construction, so only pairs with a real device in them are compared.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "common/contract/clauses/rule.hpp"
#include "common/contract/clauses/run_keys.hpp"
#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

bool emulated(const ArchFacts& run) { return contract::emulated(*run.facts).value_or(false); }

std::string math_mode(const Facts& facts) {
  const Start* start = main_start(facts);
  if (start == nullptr || !start->config.contains("math_mode")) return "";
  const std::string& text = start->config.at("math_mode");  // JSON
  return text.size() > 2 && text.front() == '"' ? text.substr(1, text.size() - 2) : text;
}

// None: no tolerance is known for this mode.
std::optional<double> tolerance_at_step_0(const std::string& mode, const Policy& policy) {
  if (mode == "fp32" || mode == "tf32") return policy.agreement_step0_fp32;
  if (mode == "bf16") return policy.agreement_step0_bf16;
  return std::nullopt;
}

// What the run started from: by scope of the weights, and what its checkpoint says of them.
std::map<std::string, std::string> initial_digests(const Facts& facts) {
  std::map<std::string, std::string> digests;
  for (const auto& [id, process] : facts.processes) {
    for (const WeightsFacts& w : process.weights)
      if (!w.weights.digest.empty()) digests.emplace("weights of " + w.weights.scope, w.weights.digest);
    for (const CheckpointFacts& c : process.checkpoints)
      if (!c.checkpoint.initial_digest.empty()) digests.emplace("trained tensors", c.checkpoint.initial_digest);
  }
  return digests;
}

std::set<std::string> token_digests(const Facts& facts) {
  std::set<std::string> digests;
  for (const auto& [id, process] : facts.processes)
    for (const BatchFacts& batch : process.batches)
      if (!batch.digest.empty()) digests.insert(batch.digest);
  return digests;
}

// Why the two curves may differ with good reason; empty: they may not.
std::string doubt_about_start(const ArchFacts& a, const ArchFacts& b) {
  const auto weights_a = initial_digests(*a.facts), weights_b = initial_digests(*b.facts);
  bool compared = false;
  for (const auto& [what, digest] : weights_a) {
    const auto other = weights_b.find(what);
    if (other == weights_b.end()) continue;
    if (other->second != digest) return fmt::format("the {} differ between {} and {}", what, a.arch, b.arch);
    compared = true;
  }
  if (!compared) return fmt::format("{} and {} do not both say which weights they began with", a.arch, b.arch);
  const auto tokens_a = token_digests(*a.facts), tokens_b = token_digests(*b.facts);
  if (tokens_a.empty() || tokens_b.empty())
    return fmt::format("{} and {} do not both say which tokens they trained on", a.arch, b.arch);
  return tokens_a == tokens_b ? "" : fmt::format("the tokens differ between {} and {}", a.arch, b.arch);
}

std::string doubt_about_mode(const ArchFacts& a, const ArchFacts& b, const Policy& policy) {
  const std::string mode_a = math_mode(*a.facts), mode_b = math_mode(*b.facts);
  if (mode_a.empty() || mode_b.empty())
    return fmt::format("{} does not record its math mode", (mode_a.empty() ? a : b).arch);
  if (mode_a != mode_b) return fmt::format("{} ran in {}, {} in {}", a.arch, mode_a, b.arch, mode_b);
  return tolerance_at_step_0(mode_a, policy) ? "" : fmt::format("no tolerance is known for math mode {}", mode_a);
}

std::string doubt_about_curves(const ArchFacts& a, const ArchFacts& b) {
  for (const ArchFacts* run : {&a, &b}) {
    const Process* training = training_process(*run->facts);
    if (training == nullptr) return fmt::format("{} reports no step", run->arch);
    const Curve& curve = training->curve;
    if (curve.skipped.count + curve.without_loss.count + curve.loss_not_finite.count + curve.left_out > 0)
      return fmt::format("losses of {} are missing or not finite", run->arch);
  }
  const std::uint64_t steps_a = training_process(*a.facts)->curve.next_step;
  const std::uint64_t steps_b = training_process(*b.facts)->curve.next_step;
  if (steps_a == steps_b) return "";
  return fmt::format("{} reports {}, {} reports {}", a.arch, count_of(steps_a, "step"), b.arch, steps_b);
}

double apart(double a, double b) {
  const double larger = std::max(std::fabs(a), std::fabs(b));
  return larger == 0 ? 0 : std::fabs(a - b) / larger;
}

Finding finding(const ArchFacts& a, const ArchFacts& b, std::string kind, std::string message) {
  Finding made;
  made.clause = "DS-7";
  made.kind = std::move(kind);
  made.message = std::move(message);
  made.architectures = {a.arch, b.arch};
  made.evidence = {*training_process(*a.facts)->curve.first};
  return made;
}

void judge_curves(const ArchFacts& a, const ArchFacts& b, const Policy& policy, Judgement& judgement) {
  const std::vector<Point>& left = training_process(*a.facts)->curve.points;
  const std::vector<Point>& right = training_process(*b.facts)->curve.points;
  const double at_0 = *tolerance_at_step_0(math_mode(*a.facts), policy);
  if (const double gap = apart(left[0].loss, right[0].loss); gap > at_0)
    judgement.findings.push_back(
        finding(a, b, "step0_differs",
                fmt::format("step 0 is {} on {} and {} on {}: {:.3g} apart, {:g} allowed in {}", shortest(left[0].loss),
                            a.arch, shortest(right[0].loss), b.arch, gap, at_0, math_mode(*a.facts))));
  std::uint64_t count = 0, first = 0, worst = 0;
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (apart(left[i].loss, right[i].loss) <= policy.agreement_step) continue;
    if (count++ == 0) first = i;
    if (apart(left[i].loss, right[i].loss) > apart(left[worst].loss, right[worst].loss)) worst = i;
  }
  constexpr double kRounding = 1e-9;  // 0.29 * 100 is 28.999...
  const auto free = static_cast<std::uint64_t>(
      std::floor(policy.agreement_free_share * static_cast<double>(left.size()) + kRounding));
  if (count <= free) return;
  judgement.findings.push_back(finding(
      a, b, "losses_differ",
      fmt::format(
          "{} of {} lie more than {:g} % apart on {} and {} ({} allowed): the first is step {}, the worst step {} "
          "({} and {})",
          count, count_of(left.size(), "step"), policy.agreement_step * 100, a.arch, b.arch, free, first, worst,
          shortest(left[worst].loss), shortest(right[worst].loss))));
  judgement.findings.back().count = count;
}

}  // namespace

Judgement compare_ds_7(const std::vector<ArchFacts>& required, const Policy& policy) {
  if (required.size() < 2) return not_applicable("one architecture is required: there is none to compare it with");
  for (const ArchFacts& run : required) {
    if (run.facts == nullptr) return not_applicable(fmt::format("there is no run on {}", run.arch));
    if (!completed(*run.facts)) return not_applicable(fmt::format("the run on {} did not complete", run.arch));
  }
  Judgement judgement;
  std::string doubt;
  bool any_real = false;
  for (std::size_t i = 0; i < required.size(); ++i)
    for (std::size_t j = i + 1; j < required.size(); ++j) {
      const ArchFacts &a = required[i], &b = required[j];
      if (emulated(a) && emulated(b)) continue;
      any_real = true;
      std::string why = doubt_about_mode(a, b, policy);
      if (why.empty()) why = doubt_about_start(a, b);
      if (why.empty()) why = doubt_about_curves(a, b);
      if (why.empty())
        judge_curves(a, b, policy, judgement);
      else if (doubt.empty())
        doubt = why;
    }
  if (!any_real) return not_applicable("all runs are emulated: their curves agree by construction");
  return concluded(std::move(judgement), doubt);
}

}  // namespace smgate::contract
