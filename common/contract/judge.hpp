// report = judge(facts, policy): every clause that is known here, then the causes. No clock, no I/O. Called by the
// coordinator when a job ends and by `smgate-runner check`. Any thread.
#pragma once

#include "common/contract/facts.hpp"
#include "common/contract/job_facts.hpp"
#include "common/contract/policy.hpp"
#include "common/contract/report.hpp"

namespace smgate::contract {

// Of one run alone: what needs other runs is not applicable, and says what it would need.
Report judge(const Facts& facts, const Policy& policy);

// Of a job: the same of its own run, and what the runs beside it show (KC-9, DS-9).
Report judge(const JobFacts& facts, const Policy& policy);

}  // namespace smgate::contract
