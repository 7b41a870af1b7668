// Every case under cases/: what must be said of it, and that events, reports and stored facts are as described.
#include "tests/contract/cases.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "common/contract/event.hpp"
#include "common/contract/facts_json.hpp"
#include "common/contract/fold.hpp"
#include "common/contract/judge.hpp"
#include "common/contract/next_step.hpp"
#include "tests/support/schema.hpp"

namespace smgate::contract {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

TEST(Cases, AreJudgedAsExpected) {
  const std::vector<Case> all = cases();
  EXPECT_GT(all.size(), 50U);
  for (const Case& one : all) expect_as_told(one.name, judge(fold_all(events_of(one.lines)), one.policy), one.expected);
}

TEST(Cases, OfJobsAreJudgedAsExpected) {
  const std::vector<CaseOfSeveral> all = cases_of("jobs");
  EXPECT_GT(all.size(), 15U);
  for (const CaseOfSeveral& one : all) expect_as_told(one.name, judge_job(one), one.expected);
}

TEST(Cases, OfRunsAreComparedAsExpected) {
  const std::vector<CaseOfSeveral> all = cases_of("runs");
  EXPECT_GT(all.size(), 30U);
  for (const CaseOfSeveral& one : all) expect_as_told(one.name, compare_runs(one), one.expected);
}

// Every clause is shown to hold and to break, and every cause to be named, by some case.
TEST(Cases, ShowEveryClauseBothWaysAndEveryCause) {
  std::set<std::string> causes, passed, broken;
  const auto note = [&](const Report& report) {
    for (const Cause& cause : report.causes) causes.insert(cause.id);
    for (const ClauseResult& clause : report.clauses) {
      if (clause.outcome == Outcome::pass) passed.insert(clause.id);
      // Silence and toothless controls are no findings.
      const bool never_fails = clause.id == "KC-1" || clause.id == "DS-9";
      if (clause.outcome == (never_fails ? Outcome::inconclusive : Outcome::fail)) broken.insert(clause.id);
    }
  };
  for (const Case& one : cases()) note(judge(fold_all(events_of(one.lines)), one.policy));
  for (const CaseOfSeveral& one : cases_of("jobs")) note(judge_job(one));
  for (const CaseOfSeveral& one : cases_of("runs")) note(compare_runs(one));
  EXPECT_EQ(passed.size(), 18U);
  EXPECT_EQ(broken, passed);
  EXPECT_THAT(causes, testing::UnorderedElementsAre(
                          "prewarm_waste", "workspace_over_budget", "weights_container_mismatch", "prewarm_skipped",
                          "prewarm_missing", "cache_silent", "prewarm_key_collision", "prewarm_key_drift",
                          "degenerate_batch", "prewarm_body_mismatch", "target_mismatch", "key_unstable", "late_load",
                          "kernel_evicted", "loss_not_finite", "loss_not_falling", "contract_unsatisfiable",
                          "nothing_trained", "configuration_mismatch", "architectures_disagree", "slower",
                          "stream_poisoned", "prewarm_after_payload", "warmup_grid_gap", "contract_without_teeth"));
  for (const std::string& cause : causes) EXPECT_NE(next_step(cause), "") << cause;
}

// Position and time aside, most events of the cases are alike: each is held against the schema once.
bool is_new(std::set<std::string>& seen, json event) {
  event.erase("seq");
  event.erase("t_ns");
  return seen.insert(event.dump()).second;
}

TEST(Cases, EveryEventFollowsTheSchemaAsReadAndAsWritten) {
  const auto schema = test::JsonSchema::of_project("event");
  std::set<std::string> seen;
  for (const Case& one : cases()) {
    std::istringstream in(one.lines);
    for (std::string line; std::getline(in, line);) {
      if (!is_new(seen, json::parse(line))) continue;
      EXPECT_EQ(schema.mistakes(json::parse(line)), "") << one.name << line;
      const std::string written = to_json_line(parse_event(line).value());
      EXPECT_EQ(schema.mistakes(json::parse(written)), "") << written;
      EXPECT_EQ(to_json_line(parse_event(written).value()), written);
    }
  }
}

TEST(Cases, EveryReportFollowsTheSchema) {
  const auto schema = test::JsonSchema::of_project("report");
  for (const Case& one : cases()) {
    const json report = to_json(judge(fold_all(events_of(one.lines)), one.policy));
    EXPECT_EQ(schema.mistakes(report), "") << one.name << report.dump(1);
  }
  for (const CaseOfSeveral& one : cases_of("jobs")) EXPECT_EQ(schema.mistakes(to_json(judge_job(one))), "") << one.name;
  for (const CaseOfSeveral& one : cases_of("runs"))
    EXPECT_EQ(schema.mistakes(to_json(compare_runs(one))), "") << one.name << to_json(compare_runs(one)).dump(1);
}

TEST(Cases, FactsSurviveBeingStored) {
  for (const Case& one : cases()) {
    const Facts facts = fold_all(events_of(one.lines));
    const Result<Facts> back = facts_from_json(json::parse(to_json(facts).dump()));
    ASSERT_TRUE(back) << one.name << back.error().text();
    EXPECT_EQ(*back, facts) << one.name;
  }
}

TEST(Cases, FoldingGoesOnFromStoredFacts) {
  for (const Case& one : cases()) {
    const std::vector<Event> events = events_of(one.lines);
    Facts facts;
    for (const Event& event : events) {
      facts = facts_from_json(to_json(facts)).value();
      fold(facts, event);
    }
    EXPECT_EQ(facts, fold_all(events)) << one.name;
  }
}

TEST(Examples, FollowTheEventSchemaAndAreJudged) {
  const fs::path folder = fs::path(SMGATE_SOURCE_DIR) / "schemas/examples/events";
  const auto schema = test::JsonSchema::of_project("event");
  std::set<std::string> seen, names;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    names.insert(entry.path().filename());
    const std::string lines = text_of(entry.path());
    std::istringstream in(lines);
    for (std::string line; std::getline(in, line);)
      if (is_new(seen, json::parse(line))) {
        EXPECT_EQ(schema.mistakes(json::parse(line)), "") << line;
      }
    const Report report = judge(fold_all(events_of(lines)), {});
    const bool healthy = entry.path().filename().string().find("healthy") != std::string::npos;
    EXPECT_EQ(report.verdict, healthy ? Verdict::pass : Verdict::fail) << entry.path();
  }
  EXPECT_THAT(names, testing::IsSupersetOf({"smoke-healthy-sm_89.jsonl", "smoke-shared-key-sm_89.jsonl",
                                            "smoke-shared-key-sm_121.jsonl"}));
}

// The example of a report is what is said today of the example of a run.
TEST(Examples, OfAReportIsTheOneOfTheEventsBesideIt) {
  const fs::path folder = fs::path(SMGATE_SOURCE_DIR) / "schemas/examples";
  const json example = json::parse(text_of(folder / "report/smoke-shared-key-sm_121.json"));
  EXPECT_EQ(test::JsonSchema::of_project("report").mistakes(example), "");
  const std::string lines = text_of(folder / "events/smoke-shared-key-sm_121.jsonl");
  EXPECT_EQ(to_json(judge(fold_all(events_of(lines)), {})), example) << "smgate-runner check --json EVENTS > EXAMPLE";
}

}  // namespace
}  // namespace smgate::contract
