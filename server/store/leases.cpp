// The life of a lease: given, renewed, ended. Part of jobs.hpp.
#include <algorithm>
#include <cassert>
#include <iterator>
#include <nlohmann/json.hpp>

#include "common/contract/policy.hpp"
#include "common/random.hpp"
#include "server/store/gate_files.hpp"
#include "server/store/job_rows.hpp"
#include "server/store/jobs.hpp"
#include "server/store/runs.hpp"
#include "server/store/stages_text.hpp"

namespace smgate::store {
namespace {

constexpr std::int64_t kCheckout_s = 600;           // a large repository over a slow line, on top of the stages' own
constexpr std::int64_t kDeadlineGrace_ms = 60'000;  // the runner stops the job itself; this catches one that does not
constexpr std::int64_t kRetryDelay_ms = 2'000;      // times the failed attempts: a git host in trouble gets air

bool is_judged(protocol::JobOutcome outcome) {
  using enum protocol::JobOutcome;
  return outcome == completed || outcome == stage_failed || outcome == timed_out;
}

// What the job's inconclusive verdict names as its cause.
std::string cause_of(protocol::JobOutcome outcome) {
  switch (outcome) {
    case protocol::JobOutcome::checkout_failed:
      return "checkout_failed";
    case protocol::JobOutcome::lost:
      return "runner_lost";
    default:
      return "runner_error";
  }
}

// Of the job's own run, and of those beside it: a second one from a work tree of its own, and the stages that feed a
// contract once for each control.
std::int64_t deadline_of(const protocol::Assign& assign) {
  std::int64_t all = kCheckout_s, feeding = 0;
  for (const Stage& stage : assign.stages) {
    all += stage.timeout_s;
    if (stage.feeds != Feeds::none) feeding += stage.timeout_s;
  }
  const std::int64_t sum = all * (assign.stability ? 2 : 1) + feeding * std::ssize(assign.controls);
  return std::min(sum, protocol::kDeadlineMax_s);
}

void add_extra_runs(ReadTx& tx, const Job& job, protocol::Assign& assign) {
  const std::optional<std::string> text = policy_of_run(tx, job.run);
  if (!text) return;
  const auto policy = contract::policy_from_json(nlohmann::json::parse(*text), "the policy of the run");
  if (!policy) throw DatabaseError(SQLITE_CORRUPT, policy.error().text());
  assign.stability = policy->stability;
  assign.controls = policy->controls;
}

protocol::Assign assignment_of(ReadTx& tx, const Job& job) {
  Query row = tx.query(
      "SELECT runs.repository, coalesce(repositories.clone_url, ''), head_sha, ref FROM runs LEFT JOIN repositories "
      "ON full_name = runs.repository WHERE id = ?1",
      job.run);
  const bool found = row.step();
  assert(found && "a job without a run");
  static_cast<void>(found);
  protocol::Assign assign;
  assign.job = job.id;
  assign.lease = job.lease;
  assign.attempt = job.attempt;
  assign.repository = row.get<std::string>(0);
  assign.clone_url = row.get<std::string>(1);
  assign.commit = row.get<CommitSha>(2);
  assign.ref = row.get<std::string>(3);
  assign.arch = job.arch;
  assign.stages = stages_from_text(find_text(tx, job.stages_digest).value());
  assign.adapter = job.adapter;
  add_extra_runs(tx, job, assign);
  assign.deadline_s = deadline_of(assign);
  return assign;
}

AttemptEnd report(Tx& tx, const Job& job) {
  tx.change("UPDATE jobs SET state = 'reported' WHERE id = ?1", job.id);
  return AttemptEnd::reported;
}

AttemptEnd requeue(Tx& tx, const Job& job, std::int64_t now_ms) {
  // queued_ms stays: what was the oldest is the oldest.
  tx.change("UPDATE jobs SET state = 'queued', ready_ms = ?2, ended_ms = NULL WHERE id = ?1", job.id,
            now_ms + kRetryDelay_ms * (job.attempt - 1));
  return AttemptEnd::requeued;
}

AttemptEnd give_up(Tx& tx, const Job& job, const protocol::Finished& finished, std::int64_t now_ms) {
  const std::string reason = "given up after " + std::to_string(job.attempt) + " attempts; the last: " + finished.text;
  tx.change("UPDATE jobs SET state = 'done', verdict = 'inconclusive', first_cause = ?2, reason = ?3 WHERE id = ?1",
            job.id, cause_of(finished.outcome), reason);
  settle_run(tx, job.run, now_ms);
  return AttemptEnd::exhausted;
}

}  // namespace

std::vector<WaitingJob> waiting_jobs(ReadTx& tx, const Arch& arch, std::int64_t now_ms, std::size_t count_max,
                                     const std::set<std::string>& closed) {
  Query row = tx.query(
      "SELECT id, arch, runner FROM jobs WHERE state = 'queued' AND arch = ?1 AND ready_ms <= ?2 AND NOT EXISTS "
      "(SELECT 1 FROM runs LEFT JOIN repositories ON full_name = repository WHERE runs.id = jobs.run AND "
      "(access_retry_ms > ?2 OR repository IN (SELECT value FROM json_each(?4)))) ORDER BY queued_ms, id LIMIT ?3",
      arch, now_ms, count_max, nlohmann::json(closed).dump());
  std::vector<WaitingJob> jobs;
  while (row.step()) jobs.push_back({row.get<JobId>(0), row.get<Arch>(1), row.get<RunnerName>(2)});
  return jobs;
}

int jobs_held_by(ReadTx& tx, const RunnerName& runner) {
  Query row = tx.query("SELECT count(*) FROM jobs WHERE runner = ?1 AND lease IS NOT NULL", runner);
  row.step();
  return row.get<int>(0);
}

std::vector<Job> jobs_leased_to(ReadTx& tx, const RunnerName& runner) {
  Query row = tx.query("SELECT " SMGATE_JOB_COLUMNS " FROM jobs WHERE runner = ?1 AND lease IS NOT NULL", runner);
  std::vector<Job> jobs;
  while (row.step()) jobs.push_back(read_job(row));
  return jobs;
}

std::optional<protocol::Assign> lease_job(Tx& tx, const JobId& id, const RunnerName& runner, bool emulated,
                                          std::int64_t lease_ms, std::int64_t now_ms, Random& random) {
  const LeaseToken token{make_ulid(now_ms, random)};
  const std::int64_t changed = tx.change(
      "UPDATE jobs SET state = 'leased', attempt = attempt + 1, lease = ?2, lease_expires_ms = ?3, ended_lease = NULL, "
      "runner = ?4, emulated = ?5, next_seq = 0, started_ms = ?6, ended_ms = NULL, outcome = NULL, outcome_text = '', "
      "log_bytes = 0, event_bytes = 0, events_cut = 0 WHERE id = ?1 AND state = 'queued'",
      id, token, now_ms + lease_ms, runner, emulated, now_ms);
  if (changed == 0) return std::nullopt;
  protocol::Assign assign = assignment_of(tx, find_job(tx, id).value());
  tx.change("UPDATE jobs SET deadline_ms = ?2 WHERE id = ?1", id,
            now_ms + assign.deadline_s * 1000 + kDeadlineGrace_ms);
  return assign;
}

std::vector<Job> jobs_with_expired_lease(ReadTx& tx, std::int64_t now_ms, std::size_t count_max) {
  Query row = tx.query("SELECT " SMGATE_JOB_COLUMNS
                       " FROM jobs WHERE lease IS NOT NULL AND (lease_expires_ms <= ?1 OR deadline_ms <= ?1) LIMIT ?2",
                       now_ms, count_max);
  std::vector<Job> jobs;
  while (row.step()) jobs.push_back(read_job(row));
  return jobs;
}

bool renew_lease(Tx& tx, const JobId& id, const LeaseToken& token, std::int64_t expires_ms) {
  return tx.change("UPDATE jobs SET lease_expires_ms = ?3 WHERE id = ?1 AND lease = ?2", id, token, expires_ms) == 1;
}

bool advance_seq(Tx& tx, const JobId& id, const LeaseToken& token, std::uint64_t seq) {
  return tx.change("UPDATE jobs SET next_seq = ?3 + 1 WHERE id = ?1 AND lease = ?2 AND next_seq = ?3", id, token,
                   seq) == 1;
}

AttemptEnd end_attempt(Tx& tx, const JobId& id, const LeaseToken& token, const protocol::Finished& finished,
                       std::int64_t now_ms) {
  const std::int64_t changed = tx.change(
      "UPDATE jobs SET lease = NULL, lease_expires_ms = NULL, deadline_ms = NULL, ended_lease = ?2, ended_ms = ?3, "
      "outcome = ?4, outcome_text = ?5, state = CASE state WHEN 'leased' THEN 'queued' ELSE state END "
      "WHERE id = ?1 AND lease = ?2",
      id, token, now_ms, protocol::to_string(finished.outcome), finished.text);
  if (changed == 0) return AttemptEnd::none;
  const Job job = find_job(tx, id).value();
  if (job.state == JobState::cancelled) return AttemptEnd::cancelled;
  if (is_judged(finished.outcome)) return report(tx, job);
  return job.attempt < job.attempt_cap ? requeue(tx, job, now_ms) : give_up(tx, job, finished, now_ms);
}

}  // namespace smgate::store
