// What a row says of a report, and the policy that rows hold: shared by judge_job and judge_run. Pure; any thread.
#pragma once

#include <string>

#include "common/contract/policy.hpp"
#include "common/contract/report.hpp"
#include "server/store/states.hpp"

namespace smgate::verdict {

store::RunVerdict verdict_of(contract::Verdict verdict);
// Empty for a pass.
std::string first_cause_of(const contract::Report& report);
std::string reason_of(const contract::Report& report);

// Throws where it is none: source wrote it.
contract::Policy policy_from(const std::string& policy_json);

}  // namespace smgate::verdict
