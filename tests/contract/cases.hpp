// The cases under cases/: event streams, and what must be said of them. A file NAME.jsonl is a run; a folder jobs/NAME
// holds the parts of a job, a folder runs/NAME the runs of several architectures. Read by the tests of this folder.
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/contract/facts.hpp"
#include "common/contract/policy.hpp"
#include "common/contract/report.hpp"

namespace smgate::contract {

struct Case {
  std::string name, lines;
  nlohmann::json expected;
  Policy policy;
};
std::vector<Case> cases();

struct CaseOfSeveral {
  std::string name;
  std::map<std::string, std::string> lines;  // by part, or by architecture
  nlohmann::json expected;
  Policy policy;
};
std::vector<CaseOfSeveral> cases_of(const std::string& kind);  // jobs, runs

Report judge_job(const CaseOfSeveral& one);
Report compare_runs(const CaseOfSeveral& one);

std::string text_of(const std::filesystem::path& path);
// A line that cannot be read fails the test.
std::vector<Event> events_of(const std::string& lines);
Facts fold_all(const std::vector<Event>& events);

// What the expectation speaks of, in its form.
nlohmann::json summary_of(const Report& report, const nlohmann::json& expected);
void expect_as_told(const std::string& name, const Report& report, nlohmann::json expected);

}  // namespace smgate::contract
