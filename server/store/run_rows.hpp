// How a row of `runs` becomes a Run. For server/store alone.
#pragma once

#include "server/store/runs.hpp"

#define SMGATE_RUN_COLUMNS                                                                                          \
  "id, repository, head_sha, base_sha, base_rule, branch, ref, pull_request, state, verdict, first_cause, reason, " \
  "bootstrap, policy_sha, head_gate_digest, base_gate_digest, policy_digest, required_json, fetch_attempts, "       \
  "next_fetch_ms, created_ms, updated_ms, ended_ms"

namespace smgate::store {

Run read_run_row(const Query& row);  // of SELECT SMGATE_RUN_COLUMNS

std::string_view to_string(BaseRule rule);

}  // namespace smgate::store
