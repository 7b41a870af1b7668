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
    return write([&](store::Tx& tx) { return lease_jobs(tx, runners, {}, kLeaseMs, now_ms, random).leased; });
  }
  // One slot, with the token made at this time for this repository.
  HandedOut lease_with(const std::optional<std::int64_t>& made_ms = std::nullopt) {
    store::Keys keys{"https://git.example", "", {}, {}};
    const GitAccess access{GitCredential{"x-access-token", Secret("ghs_one")}, "", ""};
    if (made_ms) keys.at_hand["acme/kernels"] = {access, *made_ms, now_ms + 1};
    return write([&](store::Tx& tx) {
      return lease_jobs(tx, std::vector{free_runner("a", "sm_89")}, keys, kLeaseMs, now_ms, random);
    });
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

TEST_F(Scheduler, LeavesAJobWithoutATokenInTheQueueAndHoldsUpNoOther) {
  start(make_run('1'), {"sm_89"});
  ++now_ms;
  start(make_run('2', 'b', "main", "acme/open"), {"sm_89"});
  write([&](store::Tx& tx) {
    store::save_repository(tx, {"acme/open", "https://git.example/acme/open.git", "main", std::nullopt, false}, now_ms);
    return true;
  });
  const HandedOut out = lease_with();
  ASSERT_EQ(out.leased.size(), 1U);
  EXPECT_EQ(out.leased[0].assign.repository, "acme/open");
  EXPECT_FALSE(out.leased[0].assign.credential) << "anybody may read it";
  ASSERT_EQ(out.wanted.size(), 1U);
  EXPECT_EQ(out.wanted[0].full_name, "acme/kernels");
}

TEST_F(Scheduler, GivesALeaseItsTokenAndAnotherOneAfterAFailedCheckout) {
  start(make_run('1'), {"sm_89"});
  const HandedOut first = lease_with(now_ms - 1);
  ASSERT_EQ(first.leased.size(), 1U);
  EXPECT_EQ(first.leased[0].assign.credential, (GitCredential{"x-access-token", Secret("ghs_one")}));
  end(first.leased[0].assign, protocol::JobOutcome::checkout_failed);
  const HandedOut second = lease_with(now_ms - 1);
  EXPECT_TRUE(second.leased.empty()) << "the token may be what failed";
  EXPECT_EQ(second.wanted.size(), 1U);
  EXPECT_EQ(lease_with(now_ms).leased.size(), 1U);
}

TEST_F(Scheduler, WaitsWithARepositoryThatGitHubGivesNoTokenFor) {
  start(make_run('1'), {"sm_89"});
  write([&](store::Tx& tx) {
    store::note_no_access(tx, "acme/kernels", "503", 1, now_ms + 5'000);
    return true;
  });
  EXPECT_TRUE(lease_with().wanted.empty());
  now_ms += 5'000;
  EXPECT_EQ(lease_with().wanted.size(), 1U);
}

TEST_F(Scheduler, GivesAForksJobNoToken) {
  const RunId run = write([&](store::Tx& tx) {
    store::save_repository(tx, {"acme/kernels", "https://git.example/acme/kernels.git", "main", std::nullopt, true},
                           now_ms);
    store::PullRequest pull;
    pull.repository = "acme/kernels";
    pull.number = 7;
    pull.head_repository = "mallory/kernels";
    store::save_pull_request(tx, pull);
    store::NewRun wanted;
    wanted.repository = "acme/kernels";
    wanted.head_sha = test::sha('1');
    wanted.base_sha = test::sha('2');
    wanted.ref = "refs/pull/7/head";
    wanted.pull_request = 7;
    return store::name_run(tx, wanted, {DeliveryId{"d-1"}, "pull_request", wanted.ref, 7}, now_ms, random).id;
  });
  start(run, {"sm_89"});
  const HandedOut out = lease_with(now_ms);
  ASSERT_EQ(out.leased.size(), 1U);
  EXPECT_FALSE(out.leased[0].assign.credential);
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
