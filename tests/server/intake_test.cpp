#include "server/intake/intake.hpp"

#include <gtest/gtest.h>

#include "tests/server/payloads.hpp"

namespace smgate::intake {
namespace {

using store::RunState;
using test::PullSpec;
using test::PushSpec;

const std::string kA(40, 'a'), kB(40, 'b'), kC(40, 'c'), kD(40, 'd');

struct Intake : testing::Test, test::Rows {
  int deliveries = 0;

  Processed deliver(const std::string& event, const nlohmann::json& payload) {
    const DeliveryId id{"d-" + std::to_string(++deliveries)};
    write([&](store::Tx& tx) { return accept_delivery(tx, {id, event, payload.dump(), now_ms}); });
    ++now_ms;
    return write([&](store::Tx& tx) { return process_next_delivery(tx, now_ms, random).value(); });
  }
  Processed push(const PushSpec& spec) { return deliver("push", test::push_json(spec)); }
  Processed pull(const PullSpec& spec) { return deliver("pull_request", test::pull_json(spec)); }
  // A head of pull request 7, so many seconds after it was opened.
  Processed synchronize(const std::string& head, const std::string& before, int second) {
    PullSpec spec{"synchronize", 7, head};
    spec.before = before;
    spec.updated_at = "2026-05-20T05:05:" + std::to_string(30 + second) + "Z";
    return pull(spec);
  }
  RunState state(const Processed& done) { return run(done.run.value()).state; }
  std::size_t run_count() {
    return store.read([](store::ReadTx& tx) {
      store::Query row = tx.query("SELECT count(*) FROM runs");
      row.step();
      return row.get<std::size_t>(0);
    });
  }
  // Fetched, and the job leased to a runner.
  protocol::Assign set_running(const RunId& id) {
    start(id, {"sm_89"});
    return lease(jobs(id).front().id, "r1");
  }
};

TEST_F(Intake, MakesARunOfAPushToTheDefaultBranch) {
  const Processed done = push({"main", kB, kA});
  const store::Run made = run(done.run.value());
  EXPECT_TRUE(done.fetch);
  EXPECT_EQ(made.state, RunState::fetching);
  EXPECT_EQ(made.head_sha.value, kA);
  EXPECT_EQ(made.base_sha.value, kB);
  EXPECT_EQ(made.base_rule, store::BaseRule::exact);
  EXPECT_EQ(made.ref, "refs/heads/main");
}

TEST_F(Intake, KnowsNoBaseOfAFirstPush) {
  const store::Run made = run(push({"main", test::kNoCommit, kA}).run.value());
  EXPECT_TRUE(made.base_sha.empty());
  EXPECT_EQ(made.base_rule, store::BaseRule::none);
}

TEST_F(Intake, MakesOneRunOfADeliveryThatComesTwice) {
  const store::Delivery delivery{DeliveryId{"d"}, "push", test::push_json({}).dump(), now_ms};
  EXPECT_TRUE(write([&](store::Tx& tx) { return accept_delivery(tx, delivery); }).is_new);
  const auto done = write([&](store::Tx& tx) { return process_next_delivery(tx, now_ms, random); });
  const Accepted again = write([&](store::Tx& tx) { return accept_delivery(tx, delivery); });
  EXPECT_FALSE(again.is_new);
  EXPECT_EQ(again.status.run, done->run);
  EXPECT_FALSE(write([&](store::Tx& tx) { return process_next_delivery(tx, now_ms, random); }));
  EXPECT_EQ(run_count(), 1U);
}

TEST_F(Intake, MakesOneRunOfAllEventsThatNameIt) {
  push({"main", test::kNoCommit, kB});
  const Processed pushed = push({"dev", test::kNoCommit, kA});
  const Processed opened = pull({});
  EXPECT_EQ(opened.run, pushed.run);
  EXPECT_EQ(push({"main", kB, kA}).run, opened.run) << "merged by fast forward";
}

TEST_F(Intake, StoresWhyItDidNothing) {
  const Processed done = deliver("star", {{"action", "created"}});
  EXPECT_FALSE(done.run);
  const auto status = store.read([&](store::ReadTx& tx) { return store::find_delivery(tx, done.delivery); });
  EXPECT_EQ(status->state, store::DeliveryState::done);
  EXPECT_NE(status->outcome.find("star"), std::string::npos);
}

TEST_F(Intake, GetsOverAPayloadThatItCannotRead) {
  const Processed done = deliver("push", {{"ref", 7}});
  EXPECT_NE(done.outcome.find("/ref"), std::string::npos) << done.outcome;
  EXPECT_TRUE(push({}).run) << "the next one is worked off";
}

TEST_F(Intake, CancelsTheOlderHeadOfAPullRequestWithItsRunningJobs) {
  const Processed first = pull({});
  const protocol::Assign running = set_running(first.run.value());
  const Processed second = synchronize(kC, kA, 1);
  EXPECT_EQ(state(first), RunState::cancelled);
  EXPECT_EQ(job(running.job).state, store::JobState::cancelled);
  ASSERT_EQ(second.lost.size(), 1U);
  EXPECT_EQ(second.lost[0], (store::Lease{running.job, running.lease, RunnerName{"r1"}}));
  EXPECT_EQ(state(second), RunState::fetching);
}

TEST_F(Intake, KeepsAnOlderHeadThatAPushToTheDefaultBranchNames) {
  const Processed first = pull({});
  push({"main", kB, kA});
  EXPECT_TRUE(synchronize(kC, kA, 1).lost.empty());
  EXPECT_EQ(state(first), RunState::fetching);
}

TEST_F(Intake, NeverSupersedesTheDefaultBranch) {
  const Processed first = push({"main", kB, kA, 10});
  const Processed second = push({"main", kA, kC, 20});
  const Processed late = push({"main", kD, kB, 5});
  EXPECT_EQ(state(first), RunState::fetching);
  EXPECT_EQ(state(second), RunState::fetching);
  EXPECT_EQ(state(late), RunState::fetching) << "a late push has its run, too";
}

TEST_F(Intake, SupersedesPushesToOtherBranches) {
  const Processed first = push({"dev", test::kNoCommit, kA, 10});
  push({"dev", kA, kC, 20});
  EXPECT_EQ(state(first), RunState::cancelled);
  const Processed late = push({"dev", test::kNoCommit, kA, 10});
  EXPECT_FALSE(late.run) << late.outcome;
}

TEST_F(Intake, CancelsAHeadThatBothPushAndPullRequestNamed) {
  push({"main", test::kNoCommit, kB});
  const Processed pushed = push({"dev", test::kNoCommit, kA, 10});
  pull({});
  push({"dev", kA, kC, 20});
  EXPECT_EQ(state(pushed), RunState::fetching) << "the pull request still names it";
  synchronize(kC, kA, 1);
  EXPECT_EQ(state(pushed), RunState::cancelled);
}

TEST_F(Intake, DoesNotLetALateSynchronizeCancelTheNewerHead) {
  pull({});
  const Processed newest = synchronize(kC, kD, 9);
  const Processed late = synchronize(kD, kA, 5);
  EXPECT_FALSE(late.run);
  EXPECT_NE(late.outcome.find("newer"), std::string::npos);
  EXPECT_EQ(state(newest), RunState::fetching);
}

TEST_F(Intake, OrdersHeadsOfOneSecondByTheirChain) {
  pull({});
  const Processed newest = synchronize(kC, kD, 0);
  EXPECT_FALSE(synchronize(kD, kA, 0).run);
  EXPECT_EQ(state(newest), RunState::fetching);
}

TEST_F(Intake, GoesOnWithAHeadThatComesBack) {
  const Processed first = pull({});
  const protocol::Assign running = set_running(first.run.value());
  synchronize(kC, kA, 1);
  const Processed back = synchronize(kA, kC, 2);
  EXPECT_EQ(back.run, first.run);
  EXPECT_TRUE(back.schedule);
  EXPECT_EQ(state(first), RunState::running);
  EXPECT_EQ(job(running.job).state, store::JobState::queued);
  EXPECT_NE(job(running.job).lease, running.lease) << "the cancelled lease is over";
}

TEST_F(Intake, StopsWhenThePullRequestIsClosedAndGoesOnWhenItIsReopened) {
  const Processed opened = pull({});
  PullSpec closed{"closed"};
  closed.updated_at = "2026-05-20T05:06:00Z";
  pull(closed);
  EXPECT_EQ(state(opened), RunState::cancelled);
  EXPECT_FALSE(synchronize(kC, kA, 5).run) << "it came before the end";
  PullSpec reopened{"reopened"};
  reopened.updated_at = "2026-05-20T05:07:00Z";
  EXPECT_TRUE(pull(reopened).fetch);
  EXPECT_EQ(state(opened), RunState::fetching);
}

TEST_F(Intake, LeavesARunThatIsOver) {
  const Processed opened = pull({});
  write([&](store::Tx& tx) {
    return store::end_run(tx, *opened.run, store::RunVerdict::fail, "gate_file_invalid", "no", now_ms);
  });
  synchronize(kC, kA, 1);
  EXPECT_EQ(state(opened), RunState::done);
  EXPECT_EQ(synchronize(kA, kC, 2).run, opened.run) << "one run for a key, and it has its verdict";
  EXPECT_EQ(state(opened), RunState::done);
}

TEST_F(Intake, HoldsTheHeadOfAFork) {
  PullSpec spec;
  spec.head_repository = "stranger/kernels";
  const Processed done = pull(spec);
  EXPECT_EQ(state(done), RunState::held);
  EXPECT_FALSE(done.fetch);
  EXPECT_NE(run(*done.run).reason.find("stranger/kernels"), std::string::npos);
}

TEST_F(Intake, ReleasesAForksHeadThatIsPushedHere) {
  PullSpec spec;
  spec.head_repository = "stranger/kernels";
  const Processed held = pull(spec);
  const Processed pushed = push({"main", kB, kA});
  EXPECT_EQ(pushed.run, held.run);
  EXPECT_TRUE(pushed.fetch);
  EXPECT_EQ(state(held), RunState::fetching);
}

}  // namespace
}  // namespace smgate::intake
