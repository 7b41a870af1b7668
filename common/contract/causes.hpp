// Cause before symptom: what explains the findings, most upstream first. A cause is named only where the facts carry
// it; a finding that none explains stands unexplained and says so. Pure; any thread.
#pragma once

#include "common/contract/facts.hpp"
#include "common/contract/report.hpp"

namespace smgate::contract {

// Fills report.causes and each finding's explained_by. Clauses and findings must be there already.
void find_causes(const Facts& facts, Report& report);

// The same for a report that compares runs: architectures_disagree, slower.
void find_comparing_causes(Report& report);

}  // namespace smgate::contract
