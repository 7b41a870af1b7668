// What compares runs: parts of a job, the signs of failures along a branch, and the green run of the base branch.
#include <gtest/gtest.h>

#include "server/store/actions.hpp"
#include "server/store/events.hpp"
#include "server/store/failures.hpp"
#include "server/store/run_reports.hpp"
#include "server/store/views.hpp"
#include "tests/store/rows.hpp"

namespace smgate::store {
namespace {

using protocol::JobOutcome;

struct Comparing : testing::Test, test::Rows {
  // Later than all before it, as its ids are.
  RunId next_run(char head, const std::string& branch = "main") {
    now_ms += 1000;
    const RunId run = make_run(head, 'b', branch);
    start(run);
    return run;
  }

  // Ends the run's jobs with this verdict, and the run with them.
  void end_run_with(const RunId& run, RunVerdict verdict, const std::string& facts, const std::string& signature = "") {
    for (const Job& job : jobs(run)) {
      end(lease(job.id, "r"), JobOutcome::completed);
      JobVerdict judged;
      judged.verdict = verdict;
      judged.facts_json = facts + " of " + job.arch.value;
      judged.report_json = "{}";
      if (verdict != RunVerdict::pass) judged.failure = contract::FailureSign{signature, "keys of " + job.arch.value};
      write([&](Tx& tx) { return judge_job(tx, job.id, job.attempt + 1, judged, now_ms); });
    }
    write([&](Tx& tx) { return end_run(tx, run, verdict, "", "", now_ms); });
  }

  std::optional<std::string> green(const RunId& id) {
    return store.read([&](ReadTx& tx) { return newest_green_facts(tx, find_run(tx, id).value(), Arch{"sm_121"}); });
  }
  std::vector<std::string> signatures(const RunId& run) {
    std::vector<std::string> all;
    for (const EarlierFailure& failure :
         store.read([&](ReadTx& tx) { return earlier_failures(tx, jobs_of_run(tx, run).at(0)); }))
      all.push_back(failure.sign.signature);
    return all;
  }
};

TEST_F(Comparing, FindsTheNewestGreenRunOfTheBaseBranchBeforeTheRun) {
  const RunId first = next_run('1'), second = next_run('2'), third = next_run('3'), mine = next_run('4', "feature");
  end_run_with(first, RunVerdict::pass, "first");
  end_run_with(second, RunVerdict::pass, "second");
  end_run_with(third, RunVerdict::fail, "third");
  end_run_with(next_run('5'), RunVerdict::pass, "later");
  EXPECT_EQ(green(mine), "second of sm_121");
  EXPECT_EQ(green(second), "first of sm_121");
  EXPECT_EQ(green(first), std::nullopt);
}

TEST_F(Comparing, HoldsARunAgainstTheBranchThatItsPullRequestIsFor) {
  end_run_with(next_run('1', "stable"), RunVerdict::pass, "stable");
  end_run_with(next_run('2', "main"), RunVerdict::pass, "main");
  const RunId mine = next_run('3', "feature");
  write([&](Tx& tx) {
    PullRequest pull;
    pull.repository = pull.head_repository = "acme/kernels";
    pull.number = 7;
    pull.base_branch = "stable";
    save_pull_request(tx, pull);
    tx.change("UPDATE runs SET pull_request = 7 WHERE id = ?1", mine);
  });
  EXPECT_EQ(green(mine), "stable of sm_121");
}

TEST_F(Comparing, KnowsTheEarlierFailuresOfABranchOnOneArchitecture) {
  const RunId first = next_run('1', "feature"), second = next_run('2', "feature"), other = next_run('3', "other");
  end_run_with(second, RunVerdict::fail, "", "second");
  end_run_with(first, RunVerdict::fail, "", "first");
  end_run_with(other, RunVerdict::fail, "", "other");
  const RunId mine = next_run('4', "feature");
  EXPECT_EQ(signatures(mine), (std::vector<std::string>{"first", "second"}));
  EXPECT_EQ(signatures(first), std::vector<std::string>{});
}

TEST_F(Comparing, ForgetsTheFailureOfAJobThatRunsAgain) {
  const RunId first = next_run('1', "feature");
  end_run_with(first, RunVerdict::fail, "", "no longer stands");
  const RunId mine = next_run('2', "feature");
  EXPECT_EQ(signatures(mine).size(), 1U);
  ASSERT_TRUE(write([&](Tx& tx) { return rerun_run(tx, first, "ada", now_ms); }).done);
  EXPECT_EQ(signatures(mine), std::vector<std::string>{}) << "it is not known yet how it ends";
  end_run_with(first, RunVerdict::pass, "");
  EXPECT_EQ(signatures(mine), std::vector<std::string>{});
  write([&](Tx& tx) { return rerun_run(tx, first, "ada", now_ms); });
  end_run_with(first, RunVerdict::fail, "", "stands");
  EXPECT_EQ(signatures(mine), std::vector<std::string>{"stands"});
}

TEST_F(Comparing, TakesAForksBranchOfTheSameNameForAnother) {
  const RunId forks = next_run('1', "main");
  write([&](Tx& tx) {
    PullRequest pull;
    pull.repository = "acme/kernels";
    pull.head_repository = "stranger/kernels";
    pull.number = 7;
    save_pull_request(tx, pull);
    tx.change("UPDATE runs SET pull_request = 7 WHERE id = ?1", forks);
  });
  end_run_with(forks, RunVerdict::fail, "", "a fork's");
  EXPECT_EQ(signatures(next_run('2', "main")), std::vector<std::string>{});
}

TEST_F(Comparing, KeepsTheEventsOfEachPartApart) {
  const Job job = jobs(next_run('1')).at(0);
  write([&](Tx& tx) {
    append_events(tx, job, {"1.jsonl", "own\n", "main"}, 0);
    append_events(tx, job, {"1.jsonl", "control's\n", "control:lr0"}, 1);
  });
  const auto files = store.read([&](ReadTx& tx) { return read_events(tx, job.id, 0); });
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].part, "control:lr0");
  EXPECT_EQ(files[0].lines, "control's\n");
  EXPECT_EQ(files[1].lines, "own\n");
}

TEST_F(Comparing, AssignsTheRunsBesideTheJobsOwnAndTheirTime) {
  const RunId plain = make_run('1'), asking = make_run('2');
  start(plain);
  start(asking, {"sm_89"}, R"({"controls":["lr0","nan"],"stability":true})");
  const protocol::Assign less = lease(jobs(plain).at(0).id, "r"), more = lease(jobs(asking).at(0).id, "r");
  EXPECT_FALSE(less.stability);
  EXPECT_TRUE(more.stability);
  EXPECT_EQ(more.controls, (std::vector<std::string>{"lr0", "nan"}));
  EXPECT_EQ(more.deadline_s, 2 * less.deadline_s + 2 * 60);  // a second checkout and run, and the smoke twice
}

TEST_F(Comparing, ShowsARunsOwnReportOnceItIsKept) {
  const RunId run = next_run('1');
  const auto report = [&] { return store.read([&](ReadTx& tx) { return read_run(tx, run)->report_json; }); };
  EXPECT_EQ(report(), std::nullopt);
  write([&](Tx& tx) { save_run_report(tx, run, R"({"verdict":"pass"})"); });
  EXPECT_EQ(report(), R"({"verdict":"pass"})");
}

}  // namespace
}  // namespace smgate::store
