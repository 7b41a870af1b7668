// Every case under cases/: a run's events, and what judge must say of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "common/contract/event.hpp"
#include "common/contract/facts_json.hpp"
#include "common/contract/fold.hpp"
#include "common/contract/judge.hpp"
#include "common/file.hpp"
#include "tests/support/schema.hpp"

namespace smgate::contract {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string text_of(const fs::path& path) { return read_file(path, 4U << 20U).value(); }

std::vector<Event> events_of(const std::string& lines) {
  std::vector<Event> events;
  std::istringstream in(lines);
  for (std::string line; std::getline(in, line);) {
    const Result<Event> event = parse_event(line);
    EXPECT_TRUE(event) << line << event.error().text();
    if (event) events.push_back(*event);
  }
  return events;
}

Facts fold_all(const std::vector<Event>& events) {
  Facts facts;
  for (const Event& event : events) fold(facts, event);
  return facts;
}

struct Case {
  std::string name, lines;
  json expected;
  Policy policy;
};

std::vector<Case> cases() {
  std::vector<Case> found;
  const fs::path folder = fs::path(SMGATE_SOURCE_DIR) / "tests/contract/cases";
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".jsonl") continue;
    const fs::path base = entry.path().parent_path() / entry.path().stem();
    Case made{base.filename(), text_of(entry.path()), json::parse(text_of(base.string() + ".expected.json")), {}};
    if (fs::exists(base.string() + ".policy.json"))
      made.policy = policy_from_json(json::parse(text_of(base.string() + ".policy.json")), made.name).value();
    found.push_back(std::move(made));
  }
  return found;
}

// What the expectation speaks of.
json summary_of(const Report& report, const json& expected) {
  json causes = json::array(), findings = json::array(), clauses = json::object();
  for (const Cause& cause : report.causes) causes.push_back(cause.id);
  for (const Finding& f : report.findings)
    findings.push_back({f.clause, f.kind, f.key.empty() ? json(nullptr) : json(f.key)});
  for (const ClauseResult& clause : report.clauses)
    if (expected["clauses"].contains(clause.id)) clauses[clause.id] = to_string(clause.outcome);
  std::sort(findings.begin(), findings.end());
  return {{"verdict", to_string(report.verdict)},
          {"causes", causes},
          {"findings", findings},
          {"clauses", clauses},
          {"warnings", report.warnings.size()}};
}

TEST(Cases, AreJudgedAsExpected) {
  const std::vector<Case> all = cases();
  EXPECT_GT(all.size(), 50U);
  for (const Case& one : all) {
    json expected = one.expected;
    std::sort(expected["findings"].begin(), expected["findings"].end());
    const Report report = judge(fold_all(events_of(one.lines)), one.policy);
    EXPECT_EQ(summary_of(report, expected), expected) << one.name << "\n" << to_json(report).dump(1);
  }
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
  if (!fs::exists(folder)) GTEST_SKIP() << "no examples of events";
  const auto schema = test::JsonSchema::of_project("event");
  std::set<std::string> seen;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
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
}

}  // namespace
}  // namespace smgate::contract
