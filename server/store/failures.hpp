// How failing jobs looked, kept along a branch: what a new failure is held against, and what the reporter names. Part
// of the transaction that judges a job, and of views.
#pragma once

#include <vector>

#include "common/contract/signature.hpp"
#include "server/store/jobs.hpp"
#include "server/store/tx.hpp"

namespace smgate::store {

// An older failure says little of today's code, and a branch may fail for years.
inline constexpr std::size_t kEarlierFailuresMax = 32;

struct EarlierFailure {
  JobId job;
  RunId run;
  contract::FailureSign sign;
};
// Of the same branch of the same head repository on the job's architecture, begun before the job, that still stand (one
// that runs again, or passed then, does not): oldest first, the newest kEarlierFailuresMax of them.
std::vector<EarlierFailure> earlier_failures(ReadTx& tx, const Job& job);

// Of a job that failed. Replaces what was kept of the job before.
void save_failure(Tx& tx, const JobId& job, const contract::FailureSign& sign);

}  // namespace smgate::store
