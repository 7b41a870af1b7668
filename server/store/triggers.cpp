// What names a run, and what happens when nothing does any more. Part of runs.hpp.
#include "common/random.hpp"
#include "server/store/job_rows.hpp"
#include "server/store/run_rows.hpp"

namespace smgate::store {
namespace {

std::optional<Run> find_run_of(ReadTx& tx, const NewRun& wanted) {
  Query row =
      tx.query("SELECT " SMGATE_RUN_COLUMNS " FROM runs WHERE repository = ?1 AND head_sha = ?2 AND base_sha = ?3",
               wanted.repository, wanted.head_sha, wanted.base_sha);
  if (!row.step()) return std::nullopt;
  return read_run_row(row);
}

RunId insert_run(Tx& tx, const NewRun& wanted, std::int64_t now_ms, Random& random) {
  const RunId id{make_ulid(now_ms, random)};
  tx.change(
      "INSERT INTO runs (id, repository, head_sha, base_sha, base_rule, branch, ref, pull_request, state, reason, "
      "created_ms, updated_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11)",
      id, wanted.repository, wanted.head_sha, wanted.base_sha, to_string(wanted.base_rule), wanted.branch, wanted.ref,
      wanted.pull_request, to_string(wanted.held ? RunState::held : RunState::fetching),
      wanted.held ? wanted.held_reason : "", now_ms);
  return id;
}

void insert_trigger(Tx& tx, const RunId& run, const NewRun& wanted, const Trigger& trigger, std::int64_t now_ms) {
  tx.change(
      "INSERT INTO run_triggers (run, delivery, repository, event, ref, pull_request, head_sha, created_ms) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
      run, trigger.delivery, wanted.repository, trigger.event, trigger.ref, trigger.pull_request, wanted.head_sha,
      now_ms);
}

void requeue_cancelled_jobs(Tx& tx, const RunId& run, std::int64_t now_ms) {
  tx.change(
      "UPDATE jobs SET state = 'queued', lease = NULL, lease_expires_ms = NULL, deadline_ms = NULL, "
      "attempt_cap = attempt + ?3, ready_ms = ?2, ended_ms = NULL, outcome = NULL, outcome_text = '' "
      "WHERE run = ?1 AND state = 'cancelled'",
      run, now_ms, kAttemptCap);
}

void hold(Tx& tx, const Run& run, const std::string& reason, std::int64_t now_ms) {
  tx.change("UPDATE runs SET state = 'held', reason = ?2, updated_ms = ?3, ended_ms = NULL WHERE id = ?1", run.id,
            reason, now_ms);
}

// True where the run goes on.
bool wake_run(Tx& tx, const Run& run, const NewRun& wanted, std::int64_t now_ms) {
  const bool cancelled = run.state == RunState::cancelled;
  if (wanted.held) {
    if (cancelled) hold(tx, run, wanted.held_reason, now_ms);
    return false;
  }
  if (!cancelled && run.state != RunState::held) return false;
  go_on(tx, run, now_ms);
  return true;
}

bool is_wanted(ReadTx& tx, const RunId& run) {
  Query row = tx.query("SELECT 1 FROM run_triggers WHERE run = ?1 AND active = 1", run);
  return row.step();
}

std::vector<Lease> cancel_jobs(Tx& tx, const RunId& run, const std::string& reason, std::int64_t now_ms) {
  std::vector<Lease> leases;
  for (const Job& job : jobs_of_run(tx, run))
    if (job.state == JobState::leased) leases.push_back({job.id, job.lease, job.runner});
  tx.change(
      "UPDATE jobs SET state = 'cancelled', reason = ?2, ended_ms = ?3 "
      "WHERE run = ?1 AND state IN ('queued', 'leased', 'reported')",
      run, reason, now_ms);
  return leases;
}

}  // namespace

RunState go_on(Tx& tx, const Run& run, std::int64_t now_ms) {
  const RunState state = run.policy_digest.empty() ? RunState::fetching : RunState::running;
  tx.change(
      "UPDATE runs SET state = ?2, reason = '', fetch_attempts = 0, next_fetch_ms = ?3, updated_ms = ?3, "
      "ended_ms = NULL WHERE id = ?1",
      run.id, to_string(state), now_ms);
  if (state == RunState::running) requeue_cancelled_jobs(tx, run.id, now_ms);
  settle_run(tx, run.id, now_ms);
  return state;
}

std::optional<std::vector<Lease>> stop_run(Tx& tx, const RunId& run, const std::string& reason, std::int64_t now_ms) {
  const std::int64_t changed = tx.change(
      "UPDATE runs SET state = 'cancelled', reason = ?2, updated_ms = ?3, ended_ms = ?3 "
      "WHERE id = ?1 AND state IN ('fetching', 'running', 'held')",
      run, reason, now_ms);
  if (changed == 0) return std::nullopt;
  return cancel_jobs(tx, run, reason, now_ms);
}

NamedRun name_run(Tx& tx, const NewRun& new_run, const Trigger& trigger, std::int64_t now_ms, Random& random) {
  NamedRun named;
  if (const std::optional<Run> run = find_run_of(tx, new_run)) {
    named.id = run->id;
    named.revived = wake_run(tx, *run, new_run, now_ms);
  } else {
    named.id = insert_run(tx, new_run, now_ms, random);
    named.created = true;
  }
  insert_trigger(tx, named.id, new_run, trigger, now_ms);
  return named;
}

std::vector<RunId> runs_named_by(ReadTx& tx, const std::string& repository, const std::string& ref) {
  Query row =
      tx.query("SELECT DISTINCT run FROM run_triggers WHERE repository = ?1 AND ref = ?2 AND active = 1 ORDER BY run",
               repository, ref);
  std::vector<RunId> runs;
  while (row.step()) runs.push_back(row.get<RunId>(0));
  return runs;
}

std::vector<Lease> withdraw_triggers(Tx& tx, const RunId& run, const std::string& ref, const std::string& reason,
                                     std::int64_t now_ms) {
  tx.change("UPDATE run_triggers SET active = 0 WHERE run = ?1 AND ref = ?2 AND active = 1", run, ref);
  if (is_wanted(tx, run)) return {};
  return stop_run(tx, run, reason, now_ms).value_or(std::vector<Lease>{});
}

}  // namespace smgate::store
