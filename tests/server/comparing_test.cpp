// What the coordinator compares: the architectures of a run with each other and with the base branch, a job with the
// runs beside its own, a failure with those before it on its branch.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "common/file.hpp"
#include "server/store/views.hpp"
#include "server/verdict/verdict.hpp"
#include "tests/store/rows.hpp"
#include "tests/support/schema.hpp"

namespace smgate::verdict {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using protocol::JobOutcome;
using store::RunVerdict;
using testing::HasSubstr;

const fs::path kCases = fs::path(SMGATE_SOURCE_DIR) / "tests/contract/cases";

std::string text_of(const fs::path& path) { return read_file(path, 4U << 20U).value(); }

ReportedJob reported(std::vector<store::EventFile> events) {
  ReportedJob job;
  job.job.id = JobId{"j"};
  job.job.attempt = 1;
  job.job.outcome = JobOutcome::completed;
  job.policy_json = "{}";
  job.events = std::move(events);
  return job;
}

// --- runs

struct Compared : testing::Test, test::Rows {
  // A run of main whose jobs passed by themselves, with the events of cases/runs/NAME/ARCH + suffix.
  RunId green_jobs(char head, const std::string& name, const std::string& suffix = "") {
    now_ms += 1000;
    const RunId run = make_run(head);
    std::vector<std::string> required;
    for (const char* arch : {"sm_121", "sm_89"})
      if (fs::exists(file(name, arch, suffix))) required.emplace_back(arch);
    start(run, required);
    for (const store::Job& job : jobs(run)) {
      end(lease(job.id, "r"), JobOutcome::completed);
      store::JobVerdict verdict = judge(reported({{"1.jsonl", text_of(file(name, job.arch.value, suffix))}})).verdict;
      verdict.verdict = RunVerdict::pass;
      write([&](store::Tx& tx) { return finish_job(tx, {job.id, 1, verdict}, now_ms); });
    }
    return run;
  }
  static fs::path file(const std::string& name, const std::string& arch, const std::string& suffix) {
    return kCases / "runs" / name / (arch + suffix + ".jsonl");
  }

  void decide_next() {
    const auto ended = store.read([](store::ReadTx& tx) { return load_ended_run(tx); });
    const JudgedRun judged = judge(ended.value(), {true});
    const auto finish = [&](store::Tx& tx) { return finish_run(tx, judged, now_ms); };
    EXPECT_TRUE(write(finish));
    EXPECT_FALSE(write(finish)) << "a verdict is given once";
  }
  json report(const RunId& run) {
    return json::parse(store.read([&](store::ReadTx& tx) { return store::read_run(tx, run)->report_json.value(); }));
  }
};

TEST_F(Compared, FailsARunWhoseArchitecturesUseOtherKeys) {
  const RunId run = green_jobs('a', "keys_differ");
  decide_next();
  EXPECT_EQ(this->run(run).verdict, RunVerdict::fail);
  EXPECT_EQ(this->run(run).first_cause, "architectures_disagree");
  EXPECT_EQ(report(run)["verdict"], "fail");
  EXPECT_EQ(report(run)["findings"].size(), 2U);
  EXPECT_EQ(test::JsonSchema::of_project("report").mistakes(report(run)), "");
}

TEST_F(Compared, LeavesARunOpenThatCannotBeCompared) {
  const RunId run = green_jobs('a', "math_modes_differ");
  decide_next();
  EXPECT_EQ(this->run(run).verdict, RunVerdict::inconclusive);
  EXPECT_THAT(this->run(run).reason, HasSubstr("DS-7"));
}

TEST_F(Compared, PassesARunWhoseArchitecturesAgree) {
  const RunId run = green_jobs('a', "agree");
  decide_next();
  EXPECT_EQ(this->run(run).verdict, RunVerdict::pass) << this->run(run).reason;
  EXPECT_EQ(report(run)["architectures"].size(), 2U);
}

TEST_F(Compared, AsksNothingOfOneArchitecture) {
  const RunId run = green_jobs('a', "one_architecture");
  decide_next();
  EXPECT_EQ(this->run(run).verdict, RunVerdict::pass);
  const json told = report(run);
  EXPECT_EQ(told["clauses"].size(), 3U);
  for (const json& clause : told["clauses"]) EXPECT_EQ(clause["outcome"], "not_applicable") << clause;
}

TEST_F(Compared, HoldsTheSpeedAgainstTheNewestGreenRunOfTheBaseBranch) {
  green_jobs('a', "slower", ".base");
  decide_next();
  const RunId run = green_jobs('b', "slower");
  decide_next();
  EXPECT_EQ(this->run(run).verdict, RunVerdict::fail) << this->run(run).reason;
  EXPECT_EQ(this->run(run).first_cause, "slower");
}

TEST_F(Compared, NamesWhatAJobShowsBeforeWhatComparingShows) {
  const RunId run = green_jobs('a', "keys_differ");
  auto ended = store.read([](store::ReadTx& tx) { return load_ended_run(tx); }).value();
  ended.jobs[1].verdict = RunVerdict::inconclusive;
  EXPECT_EQ(judge(ended, {true}).decision.first_cause, "architectures_disagree");
  ended.jobs[1].verdict = RunVerdict::fail;
  ended.jobs[1].first_cause = "prewarm_missing";
  EXPECT_EQ(judge(ended, {true}).decision.first_cause, "prewarm_missing");
}

TEST_F(Compared, ComparesNothingWithAJobThatWasNeverJudged) {
  const RunId run = green_jobs('a', "agree");
  auto ended = store.read([](store::ReadTx& tx) { return load_ended_run(tx); }).value();
  ended.jobs[0].verdict = RunVerdict::inconclusive;
  ended.jobs[0].first_cause = "runner_lost";
  for (const char* facts : {"{}", ""}) {
    ended.facts[ended.jobs[0].arch].facts_json = *facts == '\0' ? std::nullopt : std::optional<std::string>(facts);
    const JudgedRun judged = judge(ended, {true});
    EXPECT_EQ(judged.decision.first_cause, "runner_lost");
    EXPECT_THAT(judged.report_json.value(), HasSubstr("there is no run on sm_121"));
  }
}

// --- a job and the runs beside its own

ReportedJob job_with_controls() {
  ReportedJob job = reported({});
  for (const fs::directory_entry& entry : fs::directory_iterator(kCases / "jobs/controls_fail"))
    if (entry.path().extension() == ".jsonl")
      job.events.push_back({"1.jsonl", text_of(entry.path()), entry.path().stem()});
  job.policy_json = text_of(kCases / "jobs/controls_fail/policy.json");
  return job;
}

TEST(Controls, AreJudgedWithTheJob) {
  const JudgedJob judged = judge(job_with_controls());
  EXPECT_EQ(judged.verdict.verdict, RunVerdict::pass) << judged.verdict.reason;
  EXPECT_EQ(json::parse(judged.verdict.facts_json)["controls"].size(), 4U);
}

TEST(Controls, AreMissedWhereTheGateAsksForThem) {
  for (std::size_t i = 0; i < job_with_controls().events.size(); ++i) {
    ReportedJob job = job_with_controls();
    if (job.events[i].part == "main") continue;
    job.events.erase(job.events.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_EQ(judge(job).verdict.verdict, RunVerdict::inconclusive);
    EXPECT_THAT(judge(job).verdict.reason, HasSubstr("control"));
  }
}

TEST(Stability, IsMissedWhereTheGateAsksForIt) {
  ReportedJob job = job_with_controls();
  json policy = json::parse(job.policy_json);
  policy["stability"] = true;
  job.policy_json = policy.dump();
  EXPECT_EQ(judge(job).verdict.verdict, RunVerdict::inconclusive);
  EXPECT_THAT(judge(job).verdict.reason, HasSubstr("second run"));
}

// --- a failure and those before it

TEST(Resemblance, IsASignalAtTheThirdAlikeFailureOfABranch) {
  std::vector<contract::FailureSign> before;
  for (const char* name : {"1", "2", "3"}) {
    ReportedJob job =
        reported({{"1.jsonl", text_of(kCases / "branches/incident_as_lived" / (name + std::string(".jsonl")))}});
    job.earlier_failures = before;
    const store::JobVerdict verdict = judge(job).verdict;
    ASSERT_EQ(verdict.verdict, RunVerdict::fail);
    const json report = json::parse(verdict.report_json);
    EXPECT_EQ(report.contains("resemblance"), !before.empty());
    EXPECT_EQ(report.value("/resemblance/signal"_json_pointer, false), before.size() == 2);
    EXPECT_EQ(verdict.reason.find("upstream of every one") != std::string::npos, before.size() == 2);
    EXPECT_EQ(test::JsonSchema::of_project("report").mistakes(report), "");
    before.push_back(verdict.failure.value());
  }
}

TEST(Resemblance, IsNotLookedForWhereAJobPassed) {
  EXPECT_EQ(judge(job_with_controls()).verdict.failure, std::nullopt);
}

}  // namespace
}  // namespace smgate::verdict
