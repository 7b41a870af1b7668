// How a row of `runs` becomes a Run. For server/store alone.
#pragma once

#include <optional>
#include <vector>

#include "server/store/runs.hpp"

#define SMGATE_RUN_COLUMNS                                                                                          \
  "id, repository, head_sha, base_sha, base_rule, branch, ref, pull_request, state, verdict, first_cause, reason, " \
  "bootstrap, policy_sha, head_gate_digest, base_gate_digest, policy_digest, required_json, fetch_attempts, "       \
  "next_fetch_ms, created_ms, updated_ms, ended_ms"

namespace smgate::store {

Run read_run_row(const Query& row);  // of SELECT SMGATE_RUN_COLUMNS

std::string_view to_string(BaseRule rule);

// A run that was cancelled or held goes on where it was: it keeps the jobs that are over and queues the others again.
RunState go_on(Tx& tx, const Run& run, std::int64_t now_ms);
// Cancels a run that is fetching, running or held, with its jobs; the leases whose runners are to be told. Nothing
// where it is in another state.
std::optional<std::vector<Lease>> stop_run(Tx& tx, const RunId& run, const std::string& reason, std::int64_t now_ms);

}  // namespace smgate::store
