#include "server/store/actions.hpp"

#include <gtest/gtest.h>

#include "tests/store/rows.hpp"

namespace smgate::store {
namespace {

const std::string kAda = "ada";

struct Actions : testing::Test, test::Rows {
  ActionResult rerun(const RunId& id) {
    return write([&](Tx& tx) { return rerun_run(tx, id, kAda, now_ms); });
  }
  ActionResult rerun(const RunId& id, const std::string& arch) {
    return write([&](Tx& tx) { return rerun_job(tx, id, Arch{arch}, kAda, now_ms); });
  }
  ActionResult cancel(const RunId& id) {
    return write([&](Tx& tx) { return cancel_run(tx, id, kAda, now_ms); });
  }
  ActionResult approve(const RunId& id, char head) {
    return write([&](Tx& tx) { return approve_run(tx, id, test::sha(head), kAda, now_ms); });
  }
  // Leases, ends and judges every queued job of the run.
  void judge_all(const RunId& id, RunVerdict verdict, const std::string& cause) {
    for (const Job& one : jobs(id)) {
      if (one.state != JobState::queued) continue;
      end(lease(one.id, "r1"), protocol::JobOutcome::completed);
      JobVerdict judged;
      judged.verdict = verdict;
      judged.first_cause = cause;
      judged.facts_json = judged.report_json = "{}";
      const int attempt = job(one.id).attempt;
      write([&](Tx& tx) { return judge_job(tx, one.id, attempt, judged, now_ms); });
    }
    write([&](Tx& tx) { return end_run(tx, id, verdict, cause, "why", now_ms); });
  }
  RunId failed_run() {
    const RunId id = make_run();
    start(id);
    judge_all(id, RunVerdict::fail, "prewarm_missing");
    return id;
  }
  // The head of a fork, held.
  RunId held_run() {
    return write([&](Tx& tx) {
      save_pull_request(
          tx, {"acme/kernels", 7, "stranger/kernels", "dev", test::sha('c'), {}, "main", test::sha('b'), true, now_ms});
      const NewRun wanted{
          "acme/kernels", test::sha('c'), test::sha('b'), BaseRule::merge_base, "dev", "refs/pull/7/head", 7,
          true,           "a fork"};
      return name_run(tx, wanted, {DeliveryId{"d"}, "pull_request", wanted.ref, 7}, now_ms, random).id;
    });
  }
  std::vector<PastVerdict> past(const RunId& id) {
    return store.read([&](ReadTx& tx) { return past_verdicts(tx, id); });
  }
};

TEST_F(Actions, RunAllJobsAgainAndKeepTheVerdictThatWas) {
  const RunId id = failed_run();
  const ActionResult again = rerun(id);
  EXPECT_TRUE(again.done && again.schedule) << again.text;
  EXPECT_EQ(run(id).state, RunState::running);
  EXPECT_FALSE(run(id).verdict);
  for (const Job& one : jobs(id)) EXPECT_EQ(one.state, JobState::queued);
  judge_all(id, RunVerdict::pass, "");
  EXPECT_EQ(run(id).verdict, RunVerdict::pass);
  ASSERT_EQ(past(id).size(), 1U);
  EXPECT_EQ(past(id)[0].verdict, RunVerdict::fail);
  EXPECT_EQ(past(id)[0].first_cause, "prewarm_missing");
}

TEST_F(Actions, GiveAJobThatRunsAgainAllItsAttempts) {
  const RunId id = failed_run();
  rerun(id);
  const Job job = jobs(id).front();
  EXPECT_EQ(job.attempt, 1) << "attempts are counted on: logs and events of the first stay where they are";
  EXPECT_EQ(job.attempt_cap, 1 + kAttemptCap);
}

TEST_F(Actions, RunOneArchitectureAgainAndLeaveTheOther) {
  const RunId id = failed_run();
  EXPECT_TRUE(rerun(id, "sm_121").done);
  EXPECT_EQ(jobs(id)[0].state, JobState::queued);
  EXPECT_EQ(jobs(id)[1].state, JobState::done) << jobs(id)[1].arch.value;
  EXPECT_FALSE(rerun(id, "sm_121").done) << "it waits already";
  EXPECT_FALSE(rerun(id, "sm_90").done);
  EXPECT_EQ(past(id).size(), 1U);
}

TEST_F(Actions, DoNotRunAgainWhatIsNotOver) {
  const RunId id = make_run();
  EXPECT_FALSE(rerun(id).done);
  start(id);
  const ActionResult refused = rerun(id);
  EXPECT_FALSE(refused.done);
  EXPECT_NE(refused.text.find("not over"), std::string::npos);
  EXPECT_FALSE(rerun(RunId{"none"}).done);
}

TEST_F(Actions, FetchAgainWhatNeverHadJobs) {
  const RunId id = make_run();
  write([&](Tx& tx) { return end_run(tx, id, RunVerdict::inconclusive, "source_unavailable", "no route", now_ms); });
  EXPECT_TRUE(rerun(id).fetch);
  EXPECT_EQ(run(id).state, RunState::fetching);
}

TEST_F(Actions, CancelWithTheRunnersThatAreToStop) {
  const RunId id = make_run();
  start(id, {"sm_89"});
  const protocol::Assign running = lease(jobs(id).front().id, "r1");
  const ActionResult stopped = cancel(id);
  ASSERT_EQ(stopped.lost.size(), 1U);
  EXPECT_EQ(stopped.lost[0].token, running.lease);
  EXPECT_EQ(run(id).reason, "cancelled by ada");
  EXPECT_FALSE(cancel(id).done);
  EXPECT_TRUE(rerun(id).done) << "and it can be run again";
  EXPECT_EQ(jobs(id).front().state, JobState::queued);
}

TEST_F(Actions, NameARunThatNothingWantsAnyMore) {
  const RunId id = failed_run();
  write([&](Tx& tx) { return withdraw_triggers(tx, id, "refs/heads/main", "gone", now_ms); });
  rerun(id);
  const auto named = store.read([](ReadTx& tx) { return runs_named_by(tx, "acme/kernels", "refs/heads/main"); });
  EXPECT_EQ(named, std::vector<RunId>{id}) << "so that a newer head supersedes it";
}

TEST_F(Actions, ApproveTheHeadThatWasLookedAtAndNoOther) {
  const RunId id = held_run();
  EXPECT_FALSE(approve(id, 'd').done);
  EXPECT_EQ(run(id).state, RunState::held);
  EXPECT_TRUE(approve(id, 'c').fetch);
  EXPECT_EQ(run(id).state, RunState::fetching);
  EXPECT_FALSE(approve(id, 'c').done) << "it is no longer held";
}

TEST_F(Actions, DoNotRunAForksHeadThatNobodyApproved) {
  const RunId id = held_run();
  EXPECT_FALSE(rerun(id).done);
  cancel(id);
  EXPECT_FALSE(rerun(id).done) << "cancelled, it is still a stranger's";
  EXPECT_EQ(run(id).state, RunState::cancelled);
}

TEST_F(Actions, AreVoidOnceThereIsAnotherHead) {
  const RunId id = held_run();
  approve(id, 'c');
  cancel(id);
  write([&](Tx& tx) { void_other_approvals(tx, "acme/kernels", 7, test::sha('d')); });
  EXPECT_FALSE(rerun(id).done);
}

TEST_F(Actions, SayWhoDidWhat) {
  const RunId id = failed_run();
  rerun(id);
  cancel(id);
  const std::vector<Action> actions = store.read([&](ReadTx& tx) { return actions_of_run(tx, id); });
  ASSERT_EQ(actions.size(), 2U);
  EXPECT_EQ(actions[0].kind, ActionKind::rerun);
  EXPECT_EQ(actions[1].kind, ActionKind::cancel);
  EXPECT_EQ(actions[1].actor, kAda);
}

}  // namespace
}  // namespace smgate::store
