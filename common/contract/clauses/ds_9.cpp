// DS-9: the contract has teeth. Runs that break it on purpose must fail the clauses that they break; one that passes
// shows that the gate would not have noticed, so that nothing it says of the job can be trusted.
#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>

#include "common/contract/clauses/rule.hpp"

namespace smgate::contract {
namespace {

constexpr std::int64_t kControlSteps = 10;  // what a control runs at least

struct Expected {
  std::string_view control, clause;
};
constexpr Expected kExpected[] = {
    {"lr0", "DS-3"}, {"shuffled-labels", "DS-4"}, {"no-prewarm", "KC-2"}, {"no-prewarm", "KC-3"}, {"nan", "DS-2"}};

Judgement judge_clause(std::string_view id, const Facts& facts, const Policy& policy) {
  for (const Rule& rule : rules())
    if (rule.id == id) return rule.judge(facts, policy);
  return inconclusive("no such clause");
}

// The job's own values are what must have teeth; only what its length asks for is not the control's.
Policy policy_of_controls(const Policy& policy) {
  Policy made = policy;
  made.min_steps = std::min(policy.min_steps, kControlSteps);
  return made;
}

void judge_control(const std::string& name, const Facts& facts, const Policy& policy, Judgement& judgement,
                   std::vector<std::string>& doubts) {
  for (const Expected& expected : kExpected) {
    if (expected.control != name) continue;
    const Judgement judged = judge_clause(expected.clause, facts, policy);
    if (judged.outcome == Outcome::fail) continue;
    if (judged.outcome == Outcome::pass)
      judgement.warnings.push_back(
          {"DS-9",
           "control_passed",
           fmt::format("the control {} must fail {}, and passed it", quoted(name), expected.clause),
           "",
           {}});
    else
      doubts.push_back(fmt::format("the control {} must fail {}, which could not be judged: {}", quoted(name),
                                   expected.clause, judged.reason));
  }
}

}  // namespace

Judgement judge_ds_9(const JobFacts& facts, const Policy& policy) {
  if (policy.controls.empty()) return not_applicable("the gate file asks for no control");
  Judgement judgement;
  std::vector<std::string> doubts;
  for (const std::string& name : policy.controls) {
    const auto found = facts.controls.find(name);
    if (found == facts.controls.end())
      doubts.push_back(fmt::format("the control {} reported nothing", quoted(name)));
    else
      judge_control(name, found->second, policy_of_controls(policy), judgement, doubts);
  }
  // One that passed says more than one that nobody could judge.
  if (!judgement.warnings.empty()) doubts.insert(doubts.begin(), judgement.warnings.front().message);
  return concluded(std::move(judgement), fmt::format("{}", fmt::join(doubts, "; ")));
}

}  // namespace smgate::contract
