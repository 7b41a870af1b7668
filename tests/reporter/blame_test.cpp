#include "server/verdict/blame.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "server/store/actions.hpp"
#include "server/store/heads.hpp"
#include "server/verdict/verdict.hpp"
#include "tests/store/rows.hpp"

namespace smgate::verdict {
namespace {

using nlohmann::json;
using store::RunVerdict;

struct Blame : testing::Test, test::Rows {
  // A run of a job on one architecture, judged.
  RunId judged(char head, char base, RunVerdict verdict, const std::string& cause, const std::string& symptom = "",
               const std::string& branch = "main") {
    now_ms += 1000;
    const RunId id = make_run(head, base, branch);
    start(id, {"sm_89"});
    judge(id, verdict, cause, symptom);
    return id;
  }
  void judge(const RunId& id, RunVerdict verdict, const std::string& cause, const std::string& symptom = "") {
    const JobId job_id = jobs(id).front().id;
    end(lease(job_id, "r1"), protocol::JobOutcome::completed);
    store::JobVerdict judged;
    judged.verdict = verdict;
    judged.first_cause = cause;
    judged.facts_json = "{}";
    judged.report_json = json{{"summary", {{"symptom", symptom}}}}.dump();
    const int attempt = job(job_id).attempt;
    write([&](store::Tx& tx) { return store::judge_job(tx, job_id, attempt, judged, now_ms); });
    const auto ended = store.read([](store::ReadTx& tx) { return load_ended_run(tx); });
    write([&](store::Tx& tx) { return finish_run(tx, verdict::judge(*ended, {true}), now_ms); });
  }
  json blame(const RunId& id) {
    const auto stored = store.read([&](store::ReadTx& tx) { return store::find_blame(tx, id); });
    return stored ? json::parse(*stored) : json();
  }
};

TEST_F(Blame, FallsOnTheChangeWhereTheBasePassed) {
  judged('b', 'a', RunVerdict::pass, "");
  const json found = blame(judged('c', 'b', RunVerdict::fail, "prewarm_missing", "", "dev"));
  EXPECT_EQ(found["base"]["verdict"], "pass");
  EXPECT_FALSE(found["base"]["alike"]);
  EXPECT_NE(found["text"].get<std::string>().find("this change brought it"), std::string::npos);
}

TEST_F(Blame, FallsOnTheFirstOfTheBranchThatFailedAlike) {
  judged('1', '0', RunVerdict::fail, "prewarm_missing");
  judged('2', '1', RunVerdict::pass, "");
  const RunId first = judged('3', '2', RunVerdict::fail, "prewarm_missing");
  judged('4', '3', RunVerdict::fail, "prewarm_missing");
  const json found = blame(judged('5', '4', RunVerdict::fail, "prewarm_missing", "", "dev"));
  EXPECT_TRUE(found["base"]["alike"]);
  EXPECT_EQ(found["since"]["run"], first.value);
  EXPECT_EQ(found["since"]["commit"], test::sha('3').value);
}

TEST_F(Blame, DoesNotTakeAnotherCauseForTheSameFailure) {
  judged('b', 'a', RunVerdict::fail, "loss_not_falling");
  EXPECT_FALSE(blame(judged('c', 'b', RunVerdict::fail, "prewarm_missing", "", "dev"))["base"]["alike"]);
}

TEST_F(Blame, KnowsAFailureByWhatItsErrorSaysAlike) {
  judged('b', 'a', RunVerdict::fail, "prewarm_missing", "stream poisoned at 0x7f12 while launching kernel");
  const json found = blame(
      judged('c', 'b', RunVerdict::fail, "prewarm_skipped", "stream poisoned at 0x9abc while launching kernel", "dev"));
  EXPECT_TRUE(found["base"]["alike"]) << found.dump();
}

TEST_F(Blame, SaysThatTheSameCommitHasPassedBefore) {
  const RunId id = judged('b', 'a', RunVerdict::pass, "");
  EXPECT_TRUE(blame(id).is_null());
  write([&](store::Tx& tx) { return store::rerun_run(tx, id, "ada", now_ms); });
  judge(id, RunVerdict::fail, "prewarm_missing");
  EXPECT_EQ(blame(id)["flaky"]["verdict"], "pass");
  write([&](store::Tx& tx) { return store::rerun_run(tx, id, "ada", now_ms); });
  judge(id, RunVerdict::pass, "");
  EXPECT_EQ(blame(id)["flaky"]["verdict"], "fail") << "a pass that failed before is flaky, too";
}

TEST_F(Blame, IsSaidOfARunThatEndedBeforeItHadJobs) {
  const auto ended = [&](char head, char base, const std::string& branch) {
    now_ms += 1000;
    const RunId id = make_run(head, base, branch);
    write([&](store::Tx& tx) {
      store::end_run(tx, id, RunVerdict::inconclusive, "gate_file_invalid", "no", now_ms);
      note_blame(tx, id);
    });
    return id;
  };
  judged('b', 'a', RunVerdict::pass, "");
  EXPECT_FALSE(blame(ended('c', 'b', "main"))["base"]["alike"]);
  EXPECT_TRUE(blame(ended('d', 'c', "dev"))["base"]["alike"]);
}

TEST_F(Blame, IsNobodysWhereAHostFailed) {
  judged('b', 'a', RunVerdict::pass, "");
  EXPECT_TRUE(blame(judged('c', 'b', RunVerdict::inconclusive, "runner_lost"))["base"].is_null());
  EXPECT_TRUE(blame(judged('d', 'c', RunVerdict::fail, "prewarm_missing", "", "dev"))["base"].is_null());
}

TEST_F(Blame, KnowsNoBaseOfAFirstPush) {
  const json found = blame(judged('c', 'b', RunVerdict::fail, "prewarm_missing"));
  EXPECT_TRUE(found["base"].is_null());
  EXPECT_TRUE(found["flaky"].is_null());
}

}  // namespace
}  // namespace smgate::verdict
