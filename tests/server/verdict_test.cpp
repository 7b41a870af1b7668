#include "server/verdict/verdict.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "server/store/events.hpp"
#include "tests/store/rows.hpp"

namespace smgate::verdict {
namespace {

using protocol::JobOutcome;
using protocol::StageOutcome;
using store::RunVerdict;

store::Job done(const std::string& arch, RunVerdict verdict, bool emulated = false) {
  store::Job job;
  job.arch = Arch{arch};
  job.verdict = verdict;
  job.emulated = emulated;
  if (verdict != RunVerdict::pass) job.first_cause = "cause_of_" + arch;
  return job;
}

contract::Report agreed() {
  contract::Report report;
  report.verdict = contract::Verdict::pass;
  return report;
}

TEST(Decide, PassesOnlyWhereAllPass) {
  EXPECT_EQ(decide({done("sm_89", RunVerdict::pass), done("sm_121", RunVerdict::pass)}, agreed(), {}).verdict,
            RunVerdict::pass);
  EXPECT_EQ(decide({}, agreed(), {}).verdict, RunVerdict::inconclusive);
}

TEST(Decide, LetsAFailureOutweighAnOpenQuestion) {
  const RunDecision decision =
      decide({done("sm_121", RunVerdict::inconclusive), done("sm_89", RunVerdict::fail)}, agreed(), {});
  EXPECT_EQ(decision.verdict, RunVerdict::fail);
  EXPECT_EQ(decision.first_cause, "cause_of_sm_89");
  EXPECT_EQ(decide({done("sm_121", RunVerdict::inconclusive), done("sm_89", RunVerdict::pass)}, agreed(), {}).verdict,
            RunVerdict::inconclusive);
}

TEST(Decide, LeavesEmulatedRunsToTheCoordinatorsPolicy) {
  const std::vector jobs = {done("sm_89", RunVerdict::pass, true), done("sm_121", RunVerdict::pass)};
  const RunDecision refused = decide(jobs, agreed(), {});
  EXPECT_EQ(refused.verdict, RunVerdict::inconclusive);
  EXPECT_EQ(refused.first_cause, "emulated");
  EXPECT_NE(refused.reason.find("sm_89"), std::string::npos);
  EXPECT_EQ(decide(jobs, agreed(), {true}).verdict, RunVerdict::pass);
}

ReportedJob reported(JobOutcome outcome) {
  ReportedJob job;
  job.job.id = JobId{"j"};
  job.job.attempt = 2;
  job.job.outcome = outcome;
  job.policy_json = "{}";
  return job;
}

TEST(Judge, HoldsSilenceForNoPass) {
  const JudgedJob judged = judge(reported(JobOutcome::completed));
  EXPECT_EQ(judged.attempt, 2);
  EXPECT_EQ(judged.verdict.verdict, RunVerdict::inconclusive);
  EXPECT_EQ(nlohmann::json::parse(judged.verdict.report_json).at("verdict"), "inconclusive");
}

TEST(Judge, FailsAJobWhoseStageFailedWithoutAReasonFromTheContract) {
  ReportedJob job = reported(JobOutcome::stage_failed);
  job.stages = {{"build", StageOutcome::failed, 2, 0, 1500, 0}, {"smoke", StageOutcome::not_started, 0, 0, 0, 0}};
  const JudgedJob judged = judge(job);
  EXPECT_EQ(judged.verdict.verdict, RunVerdict::fail);
  EXPECT_EQ(judged.verdict.first_cause, "stage_failed");
  EXPECT_NE(judged.verdict.reason.find("build exited with 2"), std::string::npos) << judged.verdict.reason;
  const auto report = nlohmann::json::parse(judged.verdict.report_json);
  EXPECT_EQ(report.at("verdict"), "fail");
  EXPECT_EQ(report.at("causes").at(0).at("id"), "stage_failed");
}

TEST(Judge, SaysWhichStageRanTooLong) {
  ReportedJob job = reported(JobOutcome::timed_out);
  job.stages = {{"smoke", StageOutcome::timed_out, 0, 9, 60'000, 0}};
  EXPECT_EQ(judge(job).verdict.first_cause, "stage_timed_out");
  EXPECT_NE(judge(job).verdict.reason.find("60 s"), std::string::npos);
}

TEST(Judge, DoesNotTrustARecordThatIsCut) {
  ReportedJob job = reported(JobOutcome::completed);
  job.job.events_cut = true;
  EXPECT_EQ(judge(job).verdict.verdict, RunVerdict::inconclusive);
  EXPECT_EQ(judge(job).verdict.first_cause, "events_cut");
}

TEST(Judge, GetsOverAJobThatItCannotJudge) {
  ReportedJob job = reported(JobOutcome::completed);
  job.policy_json = "not json";
  EXPECT_EQ(judge(job).verdict.verdict, RunVerdict::inconclusive);
  EXPECT_EQ(judge(job).verdict.first_cause, "judging_failed");
}

TEST(Judge, KeepsFindingsAndCurveOfTheEvents) {
  ReportedJob job = reported(JobOutcome::completed);
  const std::string head = R"("t_ns":1,"pid":1,"rank":0,"source":"self",)";
  job.events = {{"1.jsonl", R"({"ev":"run_start","seq":0,)" + head + R"("emulated":true,"cold":true})" + "\n" +
                                R"({"ev":"step","seq":1,)" + head + R"("step":0,"loss":2.5})" + "\nbroken\n"}};
  const JudgedJob judged = judge(job);
  EXPECT_EQ(judged.verdict.steps, 1);
  EXPECT_EQ(judged.verdict.initial_loss, 2.5);
  EXPECT_TRUE(judged.verdict.emulated);
  EXPECT_EQ(nlohmann::json::parse(judged.verdict.facts_json).at("main").at("unreadable"), 1);
}

TEST(Verdict, DecidesTheRunWithTheLastOfItsJobs) {
  test::Rows rows;
  const RunId run = rows.make_run();
  rows.start(run);
  const auto next = [&] { return rows.store.read([](store::ReadTx& tx) { return load_ended_run(tx); }); };
  for (const store::Job& job : rows.jobs(run)) {
    EXPECT_FALSE(next());
    rows.end(rows.lease(job.id, "r"), JobOutcome::stage_failed);
    const auto load = [](store::ReadTx& tx) { return load_reported_job(tx); };
    const JudgedJob judged = judge(rows.store.read(load).value());
    EXPECT_TRUE(rows.write([&](store::Tx& tx) { return finish_job(tx, judged, rows.now_ms); }));
    EXPECT_FALSE(rows.write([&](store::Tx& tx) { return finish_job(tx, judged, rows.now_ms); }));
  }
  const JudgedRun judged = judge(next().value(), {});
  EXPECT_TRUE(rows.write([&](store::Tx& tx) { return finish_run(tx, judged, rows.now_ms); }));
  EXPECT_FALSE(next());
  EXPECT_EQ(rows.run(run).verdict, RunVerdict::fail);
  EXPECT_EQ(rows.run(run).first_cause, "stage_failed");
}

}  // namespace
}  // namespace smgate::verdict
