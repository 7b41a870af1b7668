#include "tests/contract/cases.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "common/contract/compare.hpp"
#include "common/contract/event.hpp"
#include "common/contract/fold.hpp"
#include "common/contract/job_facts.hpp"
#include "common/contract/judge.hpp"
#include "common/file.hpp"

namespace smgate::contract {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const fs::path kFolder = fs::path(SMGATE_SOURCE_DIR) / "tests/contract/cases";

Policy policy_at(const fs::path& path) {
  return fs::exists(path) ? policy_from_json(json::parse(text_of(path)), path).value() : Policy{};
}

}  // namespace

std::string text_of(const fs::path& path) { return read_file(path, 4U << 20U).value(); }

std::vector<Case> cases() {
  std::vector<Case> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(kFolder)) {
    if (entry.path().extension() != ".jsonl") continue;
    const fs::path base = entry.path().parent_path() / entry.path().stem();
    found.push_back({base.filename(), text_of(entry.path()), json::parse(text_of(base.string() + ".expected.json")),
                     policy_at(base.string() + ".policy.json")});
  }
  return found;
}

std::vector<CaseOfSeveral> cases_of(const std::string& kind) {
  std::vector<CaseOfSeveral> found;
  for (const fs::directory_entry& folder : fs::directory_iterator(kFolder / kind)) {
    CaseOfSeveral made{folder.path().filename(),
                       {},
                       json::parse(text_of(folder.path() / "expected.json")),
                       policy_at(folder.path() / "policy.json")};
    for (const fs::directory_entry& entry : fs::directory_iterator(folder.path()))
      if (entry.path().extension() == ".jsonl") made.lines[entry.path().stem()] = text_of(entry.path());
    found.push_back(std::move(made));
  }
  return found;
}

Report judge_job(const CaseOfSeveral& one) {
  JobFacts facts;
  for (const auto& [name, lines] : one.lines) **part(facts, name) = fold_all(events_of(lines));
  const Result<JobFacts> stored = job_facts_from_json(json::parse(to_json(facts).dump()));
  EXPECT_TRUE(stored && *stored == facts) << one.name;
  return judge(facts, one.policy);
}

Report compare_runs(const CaseOfSeveral& one) {
  constexpr std::string_view kBase = ".base";
  std::map<std::string, Facts> facts;
  for (const auto& [name, lines] : one.lines) facts[name] = fold_all(events_of(lines));
  const auto known = [&](const std::string& name) {
    const auto found = facts.find(name);
    return found == facts.end() || found->second.events == 0 ? nullptr : &found->second;
  };
  std::vector<ArchFacts> required;
  for (const auto& [name, lines] : one.lines)
    if (!name.ends_with(kBase)) required.push_back({name, known(name), known(name + std::string(kBase))});
  return compare(required, one.policy);
}

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

json summary_of(const Report& report, const json& expected) {
  json causes = json::array(), findings = json::array(), clauses = json::object();
  for (const Cause& cause : report.causes)
    causes.push_back(cause.consequence_of.empty() ? cause.id : cause.id + " of " + cause.consequence_of);
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

void expect_as_told(const std::string& name, const Report& report, json expected) {
  std::sort(expected["findings"].begin(), expected["findings"].end());
  EXPECT_EQ(summary_of(report, expected), expected) << name << "\n" << to_json(report).dump(1);
}

}  // namespace smgate::contract
