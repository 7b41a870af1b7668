// Bodies of checks: what comes first, what is cut, what is refused by GitHub and so never sent.
#include "server/reporter/render.hpp"

#include <gmock/gmock.h>

#include "common/random.hpp"
#include "server/reporter/text.hpp"
#include "tests/store/rows.hpp"

namespace smgate::reporter {
namespace {

using nlohmann::json;
using store::JobState;
using store::RunState;
using store::RunVerdict;
using testing::HasSubstr;
using testing::Not;

json finding(const std::string& at, const std::string& message = "not warmed") {
  return {{"clause", "KC-2"},
          {"kind", "missing"},
          {"message", message},
          {"explained_by", nullptr},
          {"evidence", {{{"pid", 1}, {"rank", 0}, {"source", "self"}, {"seq", 3}, {"at", at}}}}};
}

json failed_report(std::vector<json> findings = {finding("src/warm.cpp:61")}) {
  return {{"verdict", "fail"},
          {"causes",
           {{{"id", "prewarm_key_collision"},
             {"text", "22 bodies offered under one key `silu_forward`"},
             {"explains", 21U},
             {"evidence", json::array()}}}},
          {"findings", findings},
          {"warnings", json::array()},
          {"clauses", {{{"id", "KC-2"}, {"title", "Coverage"}, {"outcome", "fail"}, {"reason", "x"}}}}};
}

RunView failed_run() {
  RunView view;
  view.run.id = RunId{"01RUN"};
  view.run.head_sha = test::sha('a');
  view.run.state = RunState::done;
  view.run.verdict = RunVerdict::fail;
  view.run.first_cause = "prewarm_key_collision";
  view.run.reason = "sm_89: 22 bodies offered under one key `silu_forward`";
  view.run.ended_ms = test::kNow_ms;
  for (const char* arch : {"sm_121", "sm_89"}) {
    JobView one;
    one.job.id = JobId{std::string("01JOB") + arch};
    one.job.arch = Arch{arch};
    one.job.state = JobState::done;
    one.job.attempt = 1;
    one.job.verdict = RunVerdict::fail;
    one.job.first_cause = "prewarm_key_collision";
    one.report = failed_report();
    for (int step = 0; step < 62; ++step) one.curve.push_back({step, 7.6 - 0.01 * step, {}, {}, {}, {}, {}});
    view.jobs.push_back(one);
  }
  return view;
}

std::string summary(const Check& check) { return check.body["output"]["summary"]; }
std::string text(const Check& check) { return check.body["output"]["text"]; }

TEST(RenderChecks, AreOneForTheGateAndOneForEachArchitecture) {
  const std::vector<Check> checks = render_checks(failed_run());
  ASSERT_EQ(checks.size(), 3U);
  EXPECT_EQ(checks[0].name, "smgate");
  EXPECT_EQ(checks[1].name, "smgate / sm_121");
  for (const Check& check : checks) {
    EXPECT_EQ(check.body["status"], "completed");
    EXPECT_EQ(check.body["conclusion"], "failure");
    EXPECT_EQ(check.title, "Fail: prewarm_key_collision");
  }
}

TEST(RenderChecks, SayTheVerdictAndItsCauseFirst) {
  const Check gate = render_checks(failed_run())[0];
  EXPECT_TRUE(summary(gate).starts_with("**fail**: `prewarm_key_collision`")) << summary(gate);
  EXPECT_THAT(text(gate), HasSubstr("| KC-2 | Coverage | fail | fail |"));
  EXPECT_THAT(text(gate), HasSubstr("explains 21"));
}

TEST(RenderChecks, NeverLetAnInconclusiveRunThrough) {
  RunView view = failed_run();
  view.run.verdict = RunVerdict::inconclusive;
  EXPECT_EQ(render_checks(view)[0].conclusion, "failure") << "neutral would satisfy a required check";
  EXPECT_EQ(render_checks(view)[0].title, "Inconclusive: prewarm_key_collision");
}

TEST(RenderChecks, GoFromQueuedToInProgressWhenAJobIsLeased) {
  RunView view = failed_run();
  view.run.state = RunState::running;
  view.run.verdict.reset();
  for (JobView& one : view.jobs) one.job.state = JobState::queued, one.job.verdict.reset(), one.job.attempt = 0;
  EXPECT_EQ(render_checks(view)[0].body["status"], "queued");
  view.jobs[0].job.state = JobState::leased;
  view.jobs[0].job.attempt = 1;
  EXPECT_EQ(render_checks(view)[0].body["status"], "in_progress");
  EXPECT_EQ(render_checks(view)[1].body["status"], "in_progress");
  EXPECT_EQ(render_checks(view)[2].body["status"], "queued");
  view.jobs[0].job.state = JobState::queued;
  EXPECT_EQ(render_checks(view)[1].body["status"], "in_progress") << "another attempt waits";
}

TEST(RenderChecks, AskForAnApprovalOfThisVeryHead) {
  RunView view = failed_run();
  view.run.state = RunState::held;
  view.run.verdict.reset();
  view.run.first_cause = "";
  const std::vector<Check> checks = render_checks(view);
  ASSERT_EQ(checks.size(), 1U);
  EXPECT_EQ(checks[0].conclusion, "action_required");
  EXPECT_EQ(checks[0].body["actions"][0]["identifier"], "approve");
  EXPECT_THAT(summary(checks[0]), HasSubstr("/smgate approve aaaaaaa"));
}

TEST(RenderChecks, KeepButtonsWithinGitHubsLimits) {
  RunView held = failed_run();
  held.run.state = RunState::held;
  for (const Check& check : {render_checks(failed_run())[0], render_checks(held)[0]}) {
    EXPECT_LE(check.body["actions"].size(), 3U);
    for (const json& button : check.body["actions"]) {
      EXPECT_LE(button["label"].get<std::string>().size(), 20U);
      EXPECT_LE(button["identifier"].get<std::string>().size(), 20U);
      EXPECT_LE(button["description"].get<std::string>().size(), 40U);
    }
  }
}

TEST(RenderChecks, ShowCurvesAsPicturesOrAsText) {
  RunView view = failed_run();
  EXPECT_THAT(summary(render_checks(view)[1]), HasSubstr("█"));
  EXPECT_FALSE(render_checks(view)[0].body.contains("details_url"));
  view.public_url = "https://gate.example";
  EXPECT_THAT(summary(render_checks(view)[1]), HasSubstr("](https://gate.example/api/v1/jobs/01JOBsm_121/curve.svg)"));
  EXPECT_EQ(render_checks(view)[0].body["details_url"], "https://gate.example/runs/01RUN");
  view.pictures = false;
  EXPECT_THAT(summary(render_checks(view)[1]), HasSubstr("█"));
}

TEST(RenderChecks, TakeNoMarkupFromTheCodeUnderTest) {
  RunView view = failed_run();
  view.run.reason = "@everyone <img src=x> [click](http://evil) `code` |\n# heading \x1b[31m";
  const std::string shown = summary(render_checks(view)[0]);
  EXPECT_THAT(shown, Not(HasSubstr("@everyone")));
  EXPECT_THAT(shown, Not(HasSubstr("<img")));
  EXPECT_THAT(shown, Not(HasSubstr("[click]")));
  EXPECT_THAT(shown, Not(HasSubstr("\n# heading")));
  EXPECT_THAT(shown, Not(HasSubstr("\x1b")));
}

TEST(RenderChecks, FitWhateverTheReportHolds) {
  RunView view = failed_run();
  std::vector<json> findings;
  for (int i = 0; i < 90; ++i)
    findings.push_back(finding("a.cpp:1", std::string(500, 'x') + "ä€😀" + std::to_string(i)));
  for (JobView& one : view.jobs) one.report = failed_report(findings);
  view.jobs[0].report["causes"][0]["text"] = std::string(70'000, 'y') + "€";
  view.run.reason = std::string(70'000, 'z');
  for (const Check& check : render_checks(view)) {
    EXPECT_LE(summary(check).size(), kOutputBytesMax);
    EXPECT_LE(text(check).size(), kOutputBytesMax);
    EXPECT_NO_THROW(check.body.dump()) << "throws where UTF-8 is broken";
  }
}

TEST(Annotations, StandOnTheLinesThatEventsName) {
  const std::vector<json> notes = annotations_of(failed_run().jobs[0]);
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_EQ(notes[0]["path"], "src/warm.cpp");
  EXPECT_EQ(notes[0]["start_line"], 61);
  EXPECT_EQ(notes[0]["annotation_level"], "failure");
}

TEST(Annotations, LeaveOutWhatIsNoLineOfTheRepository) {
  JobView job;
  json of_log = finding("train.log:7");
  of_log["evidence"][0]["source"] = "adapter";
  job.report = failed_report({finding("/usr/include/x.h:3"), finding("../x.cpp:3"), finding("x.cpp"),
                              finding("x.cpp:0"), finding("a/../../x.cpp:3"), finding(":3"), of_log});
  EXPECT_TRUE(annotations_of(job).empty());
}

TEST(Annotations, GoInBatchesOf50AndNoneTwice) {
  std::vector<json> findings;
  for (int line = 1; line <= 120; ++line)
    for (int twice = 0; twice < 2; ++twice) findings.push_back(finding("a.cpp:" + std::to_string(line)));
  JobView job;
  job.report = failed_report(findings);
  const std::vector<json> all = batches(annotations_of(job));
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].size(), 50U);
  EXPECT_EQ(all[2].size(), 20U);
}

TEST(CutUtf8, NeverSplitsACharacter) {
  const std::string text = "aä€😀";
  for (std::size_t bytes = 0; bytes <= text.size(); ++bytes) {
    const std::string_view cut = cut_utf8(text, bytes);
    EXPECT_LE(cut.size(), bytes);
    EXPECT_NO_THROW(json(std::string(cut)).dump()) << bytes;
  }
}

TEST(Fit, HoldsForRandomTextsWithFences) {
  SeededRandom random(3);
  for (int round = 0; round < 500; ++round) {
    std::string text;
    while (text.size() < 400) {
      constexpr std::array kParts = {"```\n", "€", "line\n", "😀", "word "};
      text += kParts.at(random.below(kParts.size()));
    }
    const std::string cut = fit(text, 200, "(cut)\n");
    EXPECT_LE(cut.size(), 200U);
    EXPECT_TRUE(cut.ends_with("(cut)\n"));
    EXPECT_NO_THROW(json(cut).dump());
    std::size_t fences = 0;
    for (std::size_t at = cut.find("```"); at != std::string::npos; at = cut.find("```", at + 3)) ++fences;
    EXPECT_EQ(fences % 2, 0U) << cut;
  }
}

TEST(Sparkline, ShowsWhatIsNotFinite) {
  const std::vector<store::CurvePoint> points = {
      {0, 3.0, {}, {}, {}, {}, {}}, {1, 1.0, {}, {}, {}, {}, {}}, {2, std::nullopt, {}, {}, {}, {}, {}}};
  EXPECT_EQ(sparkline(points, 60), "█▁x");
  EXPECT_EQ(sparkline({}, 60), "");
}

}  // namespace
}  // namespace smgate::reporter
