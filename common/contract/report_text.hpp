// Words of a report that every view of it shares: its first line, what it is about, where a finding points. Pure; any
// thread.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/contract/report.hpp"

namespace smgate::contract {

// What decided, without the verdict: the most upstream cause; without one, the first finding, else the first clause
// that is open.
std::string decided_by(const Report& report);

// "smgate-smoke on sm_89 (emulated); 62 steps", a line for each architecture where runs are compared.
std::vector<std::string> about(const Report& report);

// "explains 105 findings of KC-2, KC-3"; of a cause without findings, which clauses it leaves open.
std::string explained_by(const Report& report, const Cause& cause);

// "prewarm.cpp:35, model.cpp:101 and 2 more"; empty where there is no evidence.
std::string places(const std::vector<EventRef>& refs, std::size_t shown_max);

// Findings in their order, of one clause and kind no more than shown_max.
struct FindingGroup {
  std::string clause, kind;
  std::vector<const Finding*> shown;  // of the report that was given
  std::size_t left_out = 0;
};
std::vector<FindingGroup> group_findings(const Report& report, std::size_t shown_max);

}  // namespace smgate::contract
