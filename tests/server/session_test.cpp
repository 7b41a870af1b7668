#include <gtest/gtest.h>

#include "server/result/record_item.hpp"
#include "server/session/session_steps.hpp"
#include "server/store/events.hpp"
#include "server/store/logs.hpp"
#include "tests/store/rows.hpp"

namespace smgate::session {
namespace {

using store::AttemptEnd;

struct Session : testing::Test, test::Rows {
  store::Runner runner = make_runner("r1", "sm_89");
  RunId run_id = make_run();
  protocol::Assign assign;

  Session() {
    start(run_id, {"sm_89"});
    assign = lease(jobs(run_id).front().id, "r1");
  }
  ItemAnswer send(std::uint64_t seq, protocol::ItemBody body, const LeaseToken& token, const std::string& from = "r1") {
    const protocol::Item item{assign.job, token, seq, std::move(body)};
    return write([&](store::Tx& tx) { return take_item(tx, RunnerName{from}, item, result::record_item, now_ms); });
  }
  ItemAnswer send(std::uint64_t seq, protocol::ItemBody body) { return send(seq, std::move(body), assign.lease); }
  std::vector<HeldStanding> hello(const std::vector<protocol::HeldJob>& held) {
    protocol::Hello message;
    message.runner = runner.name;
    message.arch = runner.arch;
    message.held = held;
    return write([&](store::Tx& tx) { return say_hello(tx, runner, message, 60'000, now_ms).value(); });
  }
  std::string log() {
    const store::Job row = job(assign.job);
    return store.read([&](store::ReadTx& tx) { return store::read_log(tx, row, 0, 0, 1000).bytes; });
  }
  protocol::HeldJob held() const { return {assign.job, assign.lease}; }
};

TEST_F(Session, StoresEachItemOnceHoweverOftenItComes) {
  EXPECT_EQ(send(0, protocol::LogChunk{"smoke", "a"}).fate, ItemFate::stored);
  EXPECT_EQ(send(1, protocol::LogChunk{"smoke", "b"}).fate, ItemFate::stored);
  const ItemAnswer again = send(0, protocol::LogChunk{"smoke", "a"});
  EXPECT_EQ(again.fate, ItemFate::duplicate);
  EXPECT_EQ(again.acked_seq, 1U) << "all up to here is durable";
  EXPECT_EQ(log(), "ab");
}

TEST_F(Session, StoresNothingBehindAGap) {
  const ItemAnswer answer = send(1, protocol::LogChunk{"smoke", "b"});
  EXPECT_EQ(answer.fate, ItemFate::gap);
  EXPECT_NE(answer.reason.find("item 1"), std::string::npos);
  EXPECT_EQ(log(), "");
}

TEST_F(Session, RefusesAnOldLeaseAndSaysWhoHoldsTheJob) {
  const LeaseToken old = assign.lease;
  end(assign, protocol::JobOutcome::lost);
  lease(assign.job, "r2");
  const ItemAnswer answer = send(0, protocol::LogChunk{"smoke", "a"}, old);
  EXPECT_EQ(answer.fate, ItemFate::refused);
  EXPECT_NE(answer.reason.find("attempt 2 of the job is with the runner r2"), std::string::npos) << answer.reason;
  EXPECT_EQ(log(), "");
  EXPECT_EQ(send(0, protocol::Finished{}, old).fate, ItemFate::refused);
  EXPECT_EQ(job(assign.job).state, store::JobState::leased);
}

TEST_F(Session, RefusesATokenInAnotherRunnersHands) {
  EXPECT_EQ(send(0, protocol::Finished{}, assign.lease, "r2").fate, ItemFate::refused);
  EXPECT_EQ(send(0, protocol::Finished{}, LeaseToken{}, "r1").fate, ItemFate::refused);
  EXPECT_EQ(job(assign.job).state, store::JobState::leased);
}

TEST_F(Session, ReportsTheJobAtItsLastItem) {
  const ItemAnswer answer = send(0, protocol::Finished{protocol::JobOutcome::stage_failed, "build exited with 2"});
  EXPECT_EQ(answer.end, AttemptEnd::reported);
  EXPECT_EQ(job(assign.job).state, store::JobState::reported);
  EXPECT_EQ(job(assign.job).outcome, protocol::JobOutcome::stage_failed);
}

TEST_F(Session, AcknowledgesTheLastItemAgain) {
  send(0, protocol::LogChunk{"smoke", "a"});
  send(1, protocol::Finished{});
  const ItemAnswer again = send(1, protocol::Finished{});
  EXPECT_EQ(again.fate, ItemFate::duplicate);
  EXPECT_EQ(again.acked_seq, 1U);
  EXPECT_EQ(send(2, protocol::Finished{}).fate, ItemFate::refused) << "nothing comes after the end";
}

TEST_F(Session, TriesAgainWhatTheHostSpoilt) {
  for (const auto outcome : {protocol::JobOutcome::checkout_failed, protocol::JobOutcome::cancelled}) {
    EXPECT_EQ(send(0, protocol::Finished{outcome, ""}).end, AttemptEnd::requeued);
    assign = lease(assign.job, "r1");
  }
  EXPECT_EQ(send(0, protocol::Finished{protocol::JobOutcome::runner_error, "no disk"}).end, AttemptEnd::exhausted);
  EXPECT_NE(job(assign.job).reason.find("no disk"), std::string::npos);
}

TEST_F(Session, StoresStagesEventsAndTheirCurve) {
  const std::string lines =
      R"({"ev":"step","seq":0,"t_ns":1,"pid":1,"rank":0,"source":"self","step":0,"loss":2.5,"grad_norm":1.5})"
      "\n"
      R"({"ev":"step","seq":0,"t_ns":1,"pid":2,"rank":1,"source":"self","step":0,"loss":9.5})"
      "\n";
  send(0, protocol::StageBegin{"smoke"});
  send(1, protocol::EventChunk{"1.jsonl", lines});
  send(2, protocol::StageEnd{"smoke", protocol::StageOutcome::succeeded, 0, 0, 40});
  const store::Job row = job(assign.job);
  const auto curve = store.read([&](store::ReadTx& tx) { return store::read_curve(tx, row, 0, 0, 10); });
  ASSERT_EQ(curve.size(), 1U) << "the curve is rank 0's";
  EXPECT_EQ(curve[0].loss, 2.5);
  const auto events = store.read([&](store::ReadTx& tx) { return store::read_events(tx, row.id, 1); });
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].lines, lines);
  const auto stages = store.read([&](store::ReadTx& tx) { return store::stages_of_job(tx, row.id, 1); });
  ASSERT_EQ(stages.size(), 1U);
  EXPECT_EQ(stages[0].outcome, protocol::StageOutcome::succeeded);
}

TEST_F(Session, ResumesAJobWhereItsItemsEnded) {
  send(0, protocol::LogChunk{"smoke", "a"});
  now_ms += 50'000;
  const auto standings = hello({held()});
  ASSERT_EQ(standings.size(), 1U);
  EXPECT_EQ(message_for(standings[0]), (protocol::FromCoordinator{protocol::Resume{assign.job, assign.lease, 1}}));
  EXPECT_EQ(job(assign.job).lease_expires_ms, now_ms + 60'000) << "the hello renews the lease";
}

TEST_F(Session, RequeuesAJobThatItsRunnerNeverHeardOf) {
  EXPECT_TRUE(hello({}).empty());
  EXPECT_EQ(job(assign.job).state, store::JobState::queued);
}

TEST_F(Session, RefusesAHelloThatDoesNotFitItsToken) {
  protocol::Hello message;
  message.runner = RunnerName{"r1"};
  message.arch = Arch{"sm_121"};
  const auto answer = write([&](store::Tx& tx) { return say_hello(tx, runner, message, 60'000, now_ms); });
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().text().find("sm_121"), std::string::npos);
  message.arch = runner.arch;
  message.protocol = 99;
  EXPECT_FALSE(write([&](store::Tx& tx) { return say_hello(tx, runner, message, 60'000, now_ms); }));
  EXPECT_EQ(job(assign.job).state, store::JobState::leased) << "nothing was stored";
}

TEST_F(Session, TellsAHeartbeatWhatIsCancelledAndWhatIsOver) {
  write([&](store::Tx& tx) { return store::withdraw_triggers(tx, run_id, "refs/heads/main", "superseded", now_ms); });
  const std::vector<Renewal> renewals = {{runner.name, held()}, {runner.name, {assign.job, LeaseToken{"old"}}}};
  const auto standings = write([&](store::Tx& tx) { return renew_leases(tx, renewals, 60'000, now_ms); });
  ASSERT_EQ(standings.size(), 2U);
  EXPECT_EQ(message_for(standings[0]),
            (protocol::FromCoordinator{protocol::Cancel{assign.job, assign.lease, "superseded"}}));
  EXPECT_EQ(standings[1].standing, Standing::refused);
}

TEST_F(Session, ResumesACancelledJobSoThatItsEndCanBeReported) {
  write([&](store::Tx& tx) { return store::withdraw_triggers(tx, run_id, "refs/heads/main", "superseded", now_ms); });
  const auto standings = write([&](store::Tx& tx) {
    return renew_leases(tx, {{{runner.name, held()}}}, 60'000, now_ms);
  });
  const std::vector<protocol::FromCoordinator> expected = {protocol::Resume{assign.job, assign.lease, 0},
                                                           protocol::Cancel{assign.job, assign.lease, "superseded"}};
  EXPECT_EQ(answers_to_hello(standings), expected);
}

TEST_F(Session, FreesTheSlotOfACancelledJobOnlyWhenItsRunnerLetGo) {
  const auto held_jobs = [&] {
    return store.read([&](store::ReadTx& tx) { return store::jobs_held_by(tx, runner.name); });
  };
  write([&](store::Tx& tx) { return store::withdraw_triggers(tx, run_id, "refs/heads/main", "superseded", now_ms); });
  EXPECT_EQ(held_jobs(), 1);
  EXPECT_EQ(send(0, protocol::LogChunk{"smoke", "stopping"}).fate, ItemFate::stored) << "its log is complete";
  EXPECT_EQ(send(1, protocol::Finished{protocol::JobOutcome::completed, ""}).end, AttemptEnd::cancelled);
  EXPECT_EQ(held_jobs(), 0);
  EXPECT_EQ(job(assign.job).state, store::JobState::cancelled);
}

TEST(PointsOf, SkipsWhatIsNoStep) {
  EXPECT_TRUE(result::points_of("").empty());
  EXPECT_TRUE(result::points_of("not json with \"step\"\n\n{\"ev\":\"note\",\"text\":\"step\"}").empty());
}

}  // namespace
}  // namespace smgate::session
