// DS-8: tokens/s on an architecture has not fallen by more than the policy's share against the newest green run of the
// base branch on it. An emulated run measures nothing. What each architecture reached stands in the clause's reason.
#include <spdlog/fmt/fmt.h>

#include "common/contract/clauses/rule.hpp"
#include "common/contract/clauses/speed.hpp"

namespace smgate::contract {
namespace {

constexpr std::size_t kDifferencesShown = 3;

bool played(const Facts& facts) { return emulated(facts).value_or(false); }
std::string device(const Facts& facts) {
  const Start* start = main_start(facts);
  return start == nullptr ? "" : start->device;
}

// Why this run has no speed to hold against the base's; empty: it has.
std::string nothing_to_compare(const ArchFacts& run) {
  if (run.facts == nullptr) return "there is no run";
  if (played(*run.facts)) return "the run is emulated";
  if (!completed(*run.facts)) return "the run did not complete";
  if (run.base == nullptr) return "the base branch has no green run";
  if (played(*run.base)) return "the base branch's green run is emulated";
  if (!tokens_per_s(*run.base)) return "the base branch's green run does not report tokens and times";
  if (device(*run.facts) != device(*run.base))
    return fmt::format("the base branch ran on another device, {}", device(*run.base));
  return "";
}

// What else changed with the speed, for a person to weigh.
std::string changed_configuration(const ArchFacts& run) {
  const Start *now = main_start(*run.facts), *then = main_start(*run.base);
  if (now == nullptr || then == nullptr) return "";
  std::string text;
  std::size_t shown = 0;
  for (const auto& [name, value] : now->config) {
    const auto other = then->config.find(name);
    if (other == then->config.end() || other->second == value || shown == kDifferencesShown) continue;
    text +=
        fmt::format("{}{} was {}, now {}", shown++ == 0 ? "; of the configuration " : ", ", name, other->second, value);
  }
  return text;
}

Finding slower(const ArchFacts& run, double now, double then, const Policy& policy) {
  Finding finding;
  finding.clause = "DS-8";
  finding.kind = "slower";
  finding.architectures = {run.arch};
  finding.evidence = {*training_process(*run.facts)->curve.first};
  finding.message = fmt::format(
      "{} reached {:.4g} tokens/s; the newest green run of the base branch {:.4g}: {:.3g} % less, {:g} % "
      "allowed{}",
      run.arch, now, then, (1 - now / then) * 100, policy.speed_loss_share * 100, changed_configuration(run));
  return finding;
}

// "; sm_121 at 0.41 of sm_89"
std::string ratios(const std::vector<std::pair<std::string, double>>& speeds) {
  std::string text;
  for (std::size_t i = 1; i < speeds.size(); ++i)
    text += fmt::format("; {} at {:.3g} of {}", speeds[i].first, speeds[i].second / speeds[0].second, speeds[0].first);
  return text;
}

}  // namespace

Judgement compare_ds_8(const std::vector<ArchFacts>& required, const Policy& policy) {
  Judgement judgement;
  std::vector<std::pair<std::string, double>> speeds;
  std::string said, doubt, idle;
  for (const ArchFacts& run : required) {
    const bool real = run.facts != nullptr && !played(*run.facts);
    const double now = real ? tokens_per_s(*run.facts).value_or(0) : 0;  // 0: not reported
    if (now > 0) speeds.emplace_back(run.arch, now);
    if (const std::string why = nothing_to_compare(run); !why.empty()) {
      idle += fmt::format("{}{}: {}", idle.empty() ? "" : "; ", run.arch, why);
    } else if (now == 0) {
      doubt = fmt::format("the run on {} does not report tokens and times of its steps", run.arch);
    } else {
      const double then = *tokens_per_s(*run.base);
      said += fmt::format("{}{} {:.4g} tokens/s, {:.3g} of the base's", said.empty() ? "" : "; ", run.arch, now,
                          now / then);
      if (now < then * (1 - policy.speed_loss_share)) judgement.findings.push_back(slower(run, now, then, policy));
    }
  }
  if (said.empty() && doubt.empty()) return not_applicable(idle + ratios(speeds));
  judgement = concluded(std::move(judgement), doubt);
  if (judgement.outcome != Outcome::inconclusive)
    judgement.reason +=
        (judgement.reason.empty() ? "" : ": ") + said + (idle.empty() ? "" : "; " + idle) + ratios(speeds);
  return judgement;
}

}  // namespace smgate::contract
