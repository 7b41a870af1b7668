#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/source/source.hpp"
#include "tests/support/git_repository.hpp"

namespace smgate::source {
namespace {

using testing::HasSubstr;

std::string gate(const std::string& margin, const std::string& arch = "sm_89") {
  return R"({"version": 1, "architectures": [")" + arch + R"("], "policy": {"loss_margin": )" + margin +
         R"(}, "stages": [{"name": "smoke", "command": "true", "contract": "both"}]})";
}

class FetchGateFiles : public testing::Test {
 protected:
  SourceTask task(const CommitSha& head, const CommitSha& base, store::BaseRule rule) {
    SourceTask result;
    result.run = RunId{"01ARZ3NDEKTSV4RRFFQ69G5FAV"};
    result.clone_url = origin_.url();
    result.head = head;
    result.base = base;
    result.rule = rule;
    result.default_branch = "main";
    return result;
  }
  SourceResult fetch(const SourceTask& wanted) { return fetch_gate_files(wanted, {scratch_ / "mirrors", {}}); }
  Planned planned(const SourceTask& wanted) { return std::get<Planned>(fetch(wanted)); }

  test::Scratch scratch_;
  test::GitRepository origin_{scratch_ / "origin"};
};

TEST_F(FetchGateFiles, CallsAFirstPushBootstrapAndGoesByItsOwnPolicy) {
  const CommitSha head = origin_.commit({{".smgate.json", gate("0.2")}});
  const Planned result = planned(task(head, CommitSha{}, store::BaseRule::none));
  EXPECT_TRUE(result.plan.bootstrap);
  EXPECT_TRUE(result.policy_commit.empty());
  EXPECT_EQ(result.plan.gate.policy.loss_margin, 0.2);
}

TEST_F(FetchGateFiles, TakesThePolicyOfThePushedOverCommit) {
  const CommitSha before = origin_.commit({{".smgate.json", gate("0.2")}});
  const CommitSha head = origin_.commit({{".smgate.json", gate("0.0", "sm_121")}});
  const Planned result = planned(task(head, before, store::BaseRule::exact));
  EXPECT_FALSE(result.plan.bootstrap);
  EXPECT_EQ(result.plan.gate.policy.loss_margin, 0.2);
  EXPECT_EQ(result.plan.gate.architectures[0], Arch{"sm_89"});
  EXPECT_EQ(result.policy_commit, before);
}

TEST_F(FetchGateFiles, TakesThePolicyOfTheMergeBaseOfAPullRequest) {
  const CommitSha fork_point = origin_.commit({{".smgate.json", gate("0.1")}});
  origin_.branch("feature");
  const CommitSha head = origin_.commit({{".smgate.json", gate("0.0")}});
  origin_.checkout("main");
  const CommitSha base = origin_.commit({{".smgate.json", gate("0.3")}});
  const Planned result = planned(task(head, base, store::BaseRule::merge_base));
  EXPECT_EQ(result.policy_commit, fork_point);
  EXPECT_EQ(result.plan.gate.policy.loss_margin, 0.1);
}

TEST_F(FetchGateFiles, AsksTheDefaultBranchWhereTheWebhookNamedNoBase) {
  const CommitSha fork_point = origin_.commit({{".smgate.json", gate("0.1")}});
  origin_.branch("feature");
  const CommitSha head = origin_.commit({{".smgate.json", gate("0.0")}});
  EXPECT_EQ(planned(task(head, CommitSha{}, store::BaseRule::merge_base)).policy_commit, fork_point);
}

TEST_F(FetchGateFiles, CallsABaseWithoutAGateFileBootstrap) {
  const CommitSha before = origin_.commit({{"a.txt", "no gate yet"}});
  const CommitSha head = origin_.commit({{".smgate.json", gate("0.2")}});
  const Planned result = planned(task(head, before, store::BaseRule::exact));
  EXPECT_TRUE(result.plan.bootstrap);
  EXPECT_FALSE(result.base.has_value());
}

TEST_F(FetchGateFiles, SaysWhichFileIsInvalidAndWhere) {
  const CommitSha before = origin_.commit({{".smgate.json", "{}"}});
  const CommitSha head = origin_.commit({{".smgate.json", gate("7")}});
  const auto of_head = std::get<InvalidGate>(fetch(task(head, before, store::BaseRule::exact)));
  EXPECT_THAT(of_head.text, AllOf(HasSubstr(".smgate.json at head"), HasSubstr("/policy/loss_margin")));
  const CommitSha mended = origin_.commit({{".smgate.json", gate("0.2")}});
  const auto of_base = std::get<InvalidGate>(fetch(task(mended, before, store::BaseRule::exact)));
  EXPECT_THAT(of_base.text, AllOf(HasSubstr(".smgate.json at base"), HasSubstr("/version: is required")));
}

TEST_F(FetchGateFiles, SaysThatTheHeadHasNoGateFile) {
  const CommitSha head = origin_.commit({{"a.txt", "x"}});
  const auto result = std::get<InvalidGate>(fetch(task(head, CommitSha{}, store::BaseRule::none)));
  EXPECT_THAT(result.text, HasSubstr("is not there"));
}

TEST_F(FetchGateFiles, CallsARepositoryThatIsNotThereUnavailable) {
  SourceTask wanted = task(CommitSha{std::string(40, 'a')}, CommitSha{}, store::BaseRule::none);
  wanted.clone_url = (scratch_ / "nothing").string();
  EXPECT_TRUE(std::holds_alternative<Unavailable>(fetch(wanted)));
}

}  // namespace
}  // namespace smgate::source
