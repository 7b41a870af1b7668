// report = judge(facts, policy): every clause that is known here, then the causes. No clock, no I/O. Called by the
// coordinator when a job ends and by `smgate-runner check`. Any thread.
#pragma once

#include "common/contract/facts.hpp"
#include "common/contract/policy.hpp"
#include "common/contract/report.hpp"

namespace smgate::contract {

Report judge(const Facts& facts, const Policy& policy);

}  // namespace smgate::contract
