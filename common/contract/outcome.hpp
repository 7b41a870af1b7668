// What the contracts cannot see of a job: how its stages ended, and what its record lacks. Added to the report that
// they made, by the coordinator and by `smgate-runner run` alike. Pure; any thread.
#pragma once

#include <string>

#include "common/contract/report.hpp"
#include "common/protocol/messages.hpp"

namespace smgate::contract {

// A stage that failed or ran too long fails the job, unless the contracts know better why. Any other end than a good
// one is the host's doing: whatever the events say, the job was not seen to its end.
void add_outcome(Report& report, protocol::JobOutcome outcome, const std::string& text);

// Part of the events was not kept: what they show is not all there was.
void add_cut_record(Report& report, const std::string& text);

}  // namespace smgate::contract
