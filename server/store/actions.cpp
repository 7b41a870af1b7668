#include "server/store/actions.hpp"

#include "server/store/job_rows.hpp"
#include "server/store/repositories.hpp"
#include "server/store/run_rows.hpp"

namespace smgate::store {
namespace {

constexpr const char* kNoRun = "there is no run of this id";
constexpr const char* kChanged = "the run has just changed: look again";

ActionResult refused(std::string why) { return {false, std::move(why), false, false, {}}; }

void note(Tx& tx, const RunId& run, const std::string& arch, ActionKind kind, const std::string& actor,
          std::int64_t now_ms) {
  tx.change("INSERT INTO actions (run, arch, kind, actor, at_ms) VALUES (?1, ?2, ?3, ?4, ?5)", run, arch,
            to_string(kind), actor, now_ms);
}

bool was_pushed_here(ReadTx& tx, const RunId& run) {
  Query row = tx.query("SELECT 1 FROM run_triggers WHERE run = ?1 AND pull_request IS NULL LIMIT 1", run);
  return row.step();
}

bool needs_approval(ReadTx& tx, const Run& run) {
  return is_of_fork(tx, run) && !is_approved(tx, run.repository, *run.pull_request, run.head_sha);
}

void keep_run_verdict(Tx& tx, const RunId& run) {
  tx.change(
      "INSERT INTO run_history (run, series, verdict, first_cause, reason, ended_ms) SELECT id, "
      "(SELECT count(*) + 1 FROM run_history WHERE run = ?1), verdict, first_cause, reason, coalesce(ended_ms, "
      "updated_ms) FROM runs WHERE id = ?1 AND verdict IS NOT NULL",
      run);
  tx.change("DELETE FROM run_reports WHERE run = ?1", run);  // it compared jobs that run again
}

void keep_job_verdict(Tx& tx, const JobId& job) {
  tx.change(
      "INSERT INTO job_history (job, attempt, verdict, first_cause, reason, runner, emulated, ended_ms, initial_loss, "
      "final_loss, steps, report) SELECT id, attempt, verdict, first_cause, reason, runner, emulated, ended_ms, "
      "initial_loss, final_loss, steps, report FROM jobs LEFT JOIN job_reports ON job = id "
      "WHERE id = ?1 AND verdict IS NOT NULL",
      job);
  tx.change("DELETE FROM job_reports WHERE job = ?1", job);
}

// Waits anew, with all its attempts; it is as old as this request, not as the run.
bool queue_again(Tx& tx, const JobId& job, std::int64_t now_ms) {
  keep_job_verdict(tx, job);
  return tx.change(
             "UPDATE jobs SET state = 'queued', lease = NULL, lease_expires_ms = NULL, deadline_ms = NULL, "
             "attempt_cap = attempt + ?3, queued_ms = ?2, ready_ms = ?2, started_ms = NULL, ended_ms = NULL, "
             "outcome = NULL, outcome_text = '', verdict = NULL, first_cause = '', reason = '', initial_loss = NULL, "
             "final_loss = NULL, steps = NULL WHERE id = ?1 AND state IN ('done', 'cancelled')",
             job, now_ms, kAttemptCap) == 1;
}

// From any state of `from` to fetching or running; the verdict is kept beside.
bool reopen(Tx& tx, const Run& run, RunState to, std::int64_t now_ms) {
  keep_run_verdict(tx, run.id);
  return tx.change(
             "UPDATE runs SET state = ?2, verdict = NULL, first_cause = '', reason = '', fetch_attempts = 0, "
             "next_fetch_ms = ?3, updated_ms = ?3, ended_ms = NULL WHERE id = ?1 AND state = ?4",
             run.id, to_string(to), now_ms, to_string(run.state)) == 1;
}

// A run that nothing names any more goes on because somebody asked for it, until its ref has another head.
void name_by_request(Tx& tx, const Run& run, const std::string& actor, std::int64_t now_ms) {
  tx.change(
      "INSERT INTO run_triggers (run, delivery, repository, event, ref, pull_request, head_sha, created_ms) "
      "SELECT ?1, 'rerun-' || (SELECT count(*) FROM run_triggers WHERE run = ?1) || '-' || ?2, ?3, 'rerun', ?4, ?5, "
      "?6, ?7 WHERE NOT EXISTS (SELECT 1 FROM run_triggers WHERE run = ?1 AND active = 1)",
      run.id, actor, run.repository, run.ref, run.pull_request, run.head_sha, now_ms);
}

std::string why_not_again(ReadTx& tx, const Run& run) {
  if (run.state == RunState::held) return "the run is held: approve its head first";
  if (run.state != RunState::done && run.state != RunState::cancelled)
    return "the run is not over: cancel it first, or wait for its verdict";
  if (needs_approval(tx, run)) return "the head is a fork's and nobody has approved it: approve it first";
  return "";
}

}  // namespace

bool is_of_fork(ReadTx& tx, const Run& run) {
  if (!run.pull_request || was_pushed_here(tx, run.id)) return false;
  const std::optional<PullRequest> pull = find_pull_request(tx, run.repository, *run.pull_request);
  return pull && pull->head_repository != run.repository;
}

std::string_view to_string(ActionKind kind) {
  switch (kind) {
    case ActionKind::rerun:
      return "rerun";
    case ActionKind::cancel:
      return "cancel";
    case ActionKind::approve:
      break;
  }
  return "approve";
}

ActionResult rerun_run(Tx& tx, const RunId& id, const std::string& actor, std::int64_t now_ms) {
  const std::optional<Run> run = find_run(tx, id);
  if (!run) return refused(kNoRun);
  if (std::string why = why_not_again(tx, *run); !why.empty()) return refused(std::move(why));
  const std::vector<Job> jobs = jobs_of_run(tx, id);
  const RunState to = jobs.empty() ? RunState::fetching : RunState::running;
  if (!reopen(tx, *run, to, now_ms)) return refused(kChanged);
  for (const Job& job : jobs) queue_again(tx, job.id, now_ms);
  name_by_request(tx, *run, actor, now_ms);
  note(tx, id, "", ActionKind::rerun, actor, now_ms);
  return {
      true, jobs.empty() ? "the gate file is fetched again" : "every job runs again", jobs.empty(), !jobs.empty(), {}};
}

ActionResult rerun_job(Tx& tx, const RunId& id, const Arch& arch, const std::string& actor, std::int64_t now_ms) {
  const std::optional<Run> run = find_run(tx, id);
  if (!run) return refused(kNoRun);
  if (run->state != RunState::done && run->state != RunState::deciding && run->state != RunState::running)
    return refused("the run is " + std::string(to_string(run->state)) + ": one job of it cannot run again");
  if (run->state == RunState::done && needs_approval(tx, *run))
    return refused("the head is a fork's and nobody has approved it: approve it first");
  for (const Job& job : jobs_of_run(tx, id)) {
    if (job.arch != arch) continue;
    if (job.state != JobState::done) return refused("the job of " + arch.value + " is not over");
    if (!reopen(tx, *run, RunState::running, now_ms) || !queue_again(tx, job.id, now_ms)) return refused(kChanged);
    name_by_request(tx, *run, actor, now_ms);
    note(tx, id, arch.value, ActionKind::rerun, actor, now_ms);
    return {true, "the job of " + arch.value + " runs again", false, true, {}};
  }
  return refused("the run has no job of " + arch.value);
}

ActionResult cancel_run(Tx& tx, const RunId& id, const std::string& actor, std::int64_t now_ms) {
  const std::optional<Run> run = find_run(tx, id);
  if (!run) return refused(kNoRun);
  std::optional<std::vector<Lease>> lost = stop_run(tx, id, "cancelled by " + actor, now_ms);
  if (!lost) return refused("the run is over: there is nothing to cancel");
  note(tx, id, "", ActionKind::cancel, actor, now_ms);
  return {true, "the run is cancelled", false, false, std::move(*lost)};
}

ActionResult approve_run(Tx& tx, const RunId& id, const CommitSha& head, const std::string& actor,
                         std::int64_t now_ms) {
  const std::optional<Run> run = find_run(tx, id);
  if (!run) return refused(kNoRun);
  if (run->state != RunState::held) return refused("the run is not held: there is nothing to approve");
  if (run->head_sha != head)
    return refused("the approval is of " + head.value + ", and the run of " + run->head_sha.value);
  if (run->pull_request)
    tx.change(
        "INSERT INTO approvals (repository, pull_request, head_sha, actor, at_ms) VALUES (?1, ?2, ?3, ?4, ?5) "
        "ON CONFLICT DO UPDATE SET void = 0, actor = excluded.actor, at_ms = excluded.at_ms",
        run->repository, *run->pull_request, head, actor, now_ms);
  const RunState state = go_on(tx, *run, now_ms);
  note(tx, id, "", ActionKind::approve, actor, now_ms);
  return {true, "approved by " + actor, state == RunState::fetching, state == RunState::running, {}};
}

bool is_approved(ReadTx& tx, const std::string& repository, std::int64_t pull_request, const CommitSha& head) {
  Query row =
      tx.query("SELECT 1 FROM approvals WHERE repository = ?1 AND pull_request = ?2 AND head_sha = ?3 AND void = 0",
               repository, pull_request, head);
  return row.step();
}

void void_other_approvals(Tx& tx, const std::string& repository, std::int64_t pull_request, const CommitSha& head) {
  tx.change("UPDATE approvals SET void = 1 WHERE repository = ?1 AND pull_request = ?2 AND head_sha != ?3", repository,
            pull_request, head);
}

std::vector<PastVerdict> past_verdicts(ReadTx& tx, const RunId& run) {
  Query row =
      tx.query("SELECT verdict, first_cause, reason, ended_ms FROM run_history WHERE run = ?1 ORDER BY series", run);
  std::vector<PastVerdict> past;
  while (row.step())
    past.push_back({parse_verdict(row.get<std::string>(0)).value(), row.get<std::string>(1), row.get<std::string>(2),
                    row.get<std::int64_t>(3)});
  return past;
}

std::vector<Action> actions_of_run(ReadTx& tx, const RunId& run) {
  Query row = tx.query("SELECT kind, arch, actor, at_ms FROM actions WHERE run = ?1 ORDER BY seq", run);
  std::vector<Action> actions;
  while (row.step()) {
    const std::string kind = row.get<std::string>(0);
    actions.push_back({kind == "rerun"    ? ActionKind::rerun
                       : kind == "cancel" ? ActionKind::cancel
                                          : ActionKind::approve,
                       row.get<std::string>(1), row.get<std::string>(2), row.get<std::int64_t>(3)});
  }
  return actions;
}

}  // namespace smgate::store
