// How a row of `jobs` becomes a Job. For server/store alone.
#pragma once

#include "server/store/jobs.hpp"

// A macro, because statements are put together by the preprocessor: they are literals.
#define SMGATE_JOB_COLUMNS                                                                               \
  "id, run, arch, state, attempt, attempt_cap, lease, lease_expires_ms, ended_lease, runner, next_seq, " \
  "stages_digest, adapter, queued_ms, started_ms, ended_ms, outcome, outcome_text, emulated, verdict, "  \
  "first_cause, reason, log_bytes, event_bytes, events_cut, initial_loss, final_loss, steps, "           \
  "iif(raw_dropped_ms >= ended_ms, raw_dropped_ms, NULL)"

namespace smgate::store {

Job read_job(const Query& row);  // of SELECT SMGATE_JOB_COLUMNS

// Of a column that holds a compressed report or facts.
std::string unpack_report(const std::string& frame);

// Where the last job of a running run is over, the run waits for its decision.
void settle_run(Tx& tx, const RunId& run, std::int64_t now_ms);

}  // namespace smgate::store
