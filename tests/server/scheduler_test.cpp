#include "server/scheduler/scheduler.hpp"

#include <gtest/gtest.h>

#include "tests/store/rows.hpp"

namespace smgate::scheduler {
namespace {

FreeRunner free_runner(const std::string& name, const std::string& arch, int slots = 1) {
  return {RunnerName{name}, Arch{arch}, false, slots};
}
store::WaitingJob waiting(const std::string& id, const std::string& arch, const std::string& last_runner = "") {
  return {JobId{id}, Arch{arch}, RunnerName{last_runner}};
}
std::string text(const std::vector<Assignment>& assignments) {
  std::string all;
  for (const Assignment& one : assignments) all += one.job.value + ">" + one.runner.value + " ";
  return all;
}

TEST(Plan, GivesEachSlotTheOldestJobOfItsArchitecture) {
  const std::vector jobs = {waiting("1", "sm_89"), waiting("2", "sm_121"), waiting("3", "sm_89"),
                            waiting("4", "sm_89")};
  const std::vector runners = {free_runner("a", "sm_89", 2), free_runner("b", "sm_121")};
  EXPECT_EQ(text(plan(jobs, runners)), "1>a 2>b 3>a ");
}

TEST(Plan, SpreadsWorkOverRunners) {
  const std::vector jobs = {waiting("1", "sm_89"), waiting("2", "sm_89"), waiting("3", "sm_89")};
  const std::vector runners = {free_runner("b", "sm_89", 1), free_runner("a", "sm_89", 2)};
  EXPECT_EQ(text(plan(jobs, runners)), "1>a 2>a 3>b ");
}

TEST(Plan, TakesAJobAwayFromTheRunnerWhereItFailed) {
  const std::vector jobs = {waiting("1", "sm_89", "a")};
  EXPECT_EQ(text(plan(jobs, std::vector{free_runner("a", "sm_89", 4), free_runner("b", "sm_89")})), "1>b ");
  EXPECT_EQ(text(plan(jobs, std::vector{free_runner("a", "sm_89", 4)})), "1>a ") << "better there than nowhere";
}

TEST(Plan, AnswersEmptyQuestions) {
  EXPECT_TRUE(plan({}, std::vector{free_runner("a", "sm_89")}).empty());
  EXPECT_TRUE(plan(std::vector{waiting("1", "sm_89")}, {}).empty());
  EXPECT_TRUE(plan(std::vector{waiting("1", "sm_89")}, std::vector{free_runner("a", "sm_89", 0)}).empty());
}

struct Scheduler : testing::Test, test::Rows {
  std::vector<Leased> lease_to(const std::vector<FreeRunner>& runners) {
    return write([&](store::Tx& tx) { return lease_jobs(tx, runners, kLeaseMs, now_ms, random); });
  }
  std::vector<Expired> expire() {
    return write([&](store::Tx& tx) { return expire_leases(tx, now_ms); });
  }
};

TEST_F(Scheduler, LeasesOneJobASlotOldestFirst) {
  start(make_run('1'), {"sm_89"});
  ++now_ms;
  start(make_run('2'), {"sm_89"});
  const auto first = lease_to({free_runner("a", "sm_89")});
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].assign.commit, test::sha('1'));
  EXPECT_TRUE(lease_to({free_runner("a", "sm_89")}).empty()) << "its slot is taken";
  EXPECT_EQ(lease_to({free_runner("a", "sm_89", 2)}).size(), 1U);
}

TEST_F(Scheduler, RequeuesAJobWhoseLeaseRanOut) {
  start(make_run(), {"sm_89"});
  const auto leased = lease_to({free_runner("a", "sm_89")});
  now_ms += kLeaseMs - 1;
  EXPECT_TRUE(expire().empty());
  ++now_ms;
  const auto expired = expire();
  ASSERT_EQ(expired.size(), 1U);
  EXPECT_EQ(expired[0].end, store::AttemptEnd::requeued);
  EXPECT_EQ(expired[0].lease.token, leased[0].assign.lease);
}

TEST_F(Scheduler, GivesUpAPoisonJobAtTheCap) {
  const RunId id = make_run();
  start(id, {"sm_89"});
  for (int attempt = 1; attempt <= store::kAttemptCap; ++attempt) {
    now_ms += kLeaseMs;
    ASSERT_EQ(lease_to({free_runner("a", "sm_89")}).size(), 1U) << attempt;
    now_ms += kLeaseMs;
    EXPECT_EQ(expire().size(), 1U);
  }
  EXPECT_TRUE(lease_to({free_runner("a", "sm_89")}).empty());
  EXPECT_EQ(jobs(id).front().first_cause, "runner_lost");
  EXPECT_EQ(jobs(id).front().verdict, store::RunVerdict::inconclusive);
}

TEST_F(Scheduler, TakesAJobFromARunnerThatIgnoresItsDeadline) {
  start(make_run(), {"sm_89"});
  const auto leased = lease_to({free_runner("a", "sm_89")});
  const protocol::Assign& assign = leased[0].assign;
  now_ms += (assign.deadline_s + 3600) * 1000;
  write([&](store::Tx& tx) { return store::renew_lease(tx, assign.job, assign.lease, now_ms + kLeaseMs); });
  ASSERT_EQ(expire().size(), 1U);
  EXPECT_EQ(job(assign.job).outcome, protocol::JobOutcome::runner_error);
}

TEST_F(Scheduler, WaitsAWhileBeforeTheThirdAttempt) {
  start(make_run(), {"sm_89"});
  for (int attempt = 1; attempt <= 2; ++attempt)
    end(lease_to({free_runner("a", "sm_89")}).at(0).assign, protocol::JobOutcome::checkout_failed);
  EXPECT_TRUE(lease_to({free_runner("a", "sm_89")}).empty());
  now_ms += 60'000;
  EXPECT_EQ(lease_to({free_runner("a", "sm_89")}).size(), 1U);
}

}  // namespace
}  // namespace smgate::scheduler
