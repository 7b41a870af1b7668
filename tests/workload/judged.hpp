// A run of the workload as the contract judges it: its events, folded and judged as the coordinator does.
#pragma once

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/contract/event.hpp"
#include "common/contract/fold.hpp"
#include "common/contract/judge.hpp"
#include "tests/workload/support.hpp"

namespace smgate::workload::test {

// The fewest steps that the contract judges: a run of more says the same for longer.
inline const std::string kJudgedSteps = "10";

inline contract::Report judged(const SmokeRun& run) {
  contract::Facts facts;
  for (const std::string& line : run.events) {
    const Result<contract::Event> event = contract::parse_event(line);
    EXPECT_TRUE(event) << line << event.error().text();
    if (event) contract::fold(facts, *event);
  }
  return contract::judge(facts, {});
}

inline contract::Report judged_run(const std::string& arch, std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), {"--arch", arch, "--compiler", "none"});
  return judged(smoke(arguments));
}

inline std::vector<std::string> causes_of(const contract::Report& report) {
  std::vector<std::string> ids;
  for (const contract::Cause& cause : report.causes) ids.push_back(cause.id);
  return ids;
}

inline std::set<std::string> failed(const contract::Report& report) {
  std::set<std::string> ids;
  for (const contract::ClauseResult& clause : report.clauses) {
    if (clause.outcome == contract::Outcome::fail) ids.insert(clause.id);
  }
  return ids;
}

inline std::size_t count(const contract::Report& report, const std::string& clause, const std::string& kind) {
  std::size_t found = 0;
  for (const contract::Finding& finding : report.findings) found += finding.clause == clause && finding.kind == kind;
  return found;
}

}  // namespace smgate::workload::test
