#include "server/store/jobs.hpp"

#include "common/compress.hpp"
#include "common/protocol/names.hpp"
#include "server/store/failures.hpp"
#include "server/store/job_rows.hpp"

namespace smgate::store {
namespace {

constexpr std::size_t kReportBytesMax = 256U << 20U;  // facts grow with keys and steps; what is larger is damaged

template <class Enum, std::size_t N>
std::optional<Enum> value_named(const protocol::Names<Enum, N>& names, const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  for (const auto& [value, name] : names)
    if (name == *text) return value;
  throw DatabaseError(SQLITE_CORRUPT, "a column holds the outcome \"" + *text + "\"");
}

void read_lease(const Query& row, Job& job) {
  job.attempt = row.get<int>(4);
  job.attempt_cap = row.get<int>(5);
  job.lease = row.get<LeaseToken>(6);
  job.lease_expires_ms = row.get<std::int64_t>(7);
  job.ended_lease = row.get<LeaseToken>(8);
  job.runner = row.get<RunnerName>(9);
  job.next_seq = row.get<std::uint64_t>(10);
}

void read_result(const Query& row, Job& job) {
  job.outcome = value_named(protocol::kJobOutcomes, row.get<std::optional<std::string>>(16));
  job.outcome_text = row.get<std::string>(17);
  job.emulated = row.get<bool>(18);
  if (const auto verdict = row.get<std::optional<std::string>>(19)) job.verdict = parse_verdict(*verdict);
  job.first_cause = row.get<std::string>(20);
  job.reason = row.get<std::string>(21);
  job.log_bytes = row.get<std::uint64_t>(22);
  job.event_bytes = row.get<std::uint64_t>(23);
  job.events_cut = row.get<bool>(24);
  job.initial_loss = row.get<std::optional<double>>(25);
  job.final_loss = row.get<std::optional<double>>(26);
  job.steps = row.get<std::optional<std::int64_t>>(27);
  job.raw_dropped_ms = row.get<std::optional<std::int64_t>>(28);
}

}  // namespace

Job read_job(const Query& row) {
  Job job;
  job.id = row.get<JobId>(0);
  job.run = row.get<RunId>(1);
  job.arch = row.get<Arch>(2);
  job.state = parse_job_state(row.get<std::string>(3));
  read_lease(row, job);
  job.stages_digest = row.get<std::string>(11);
  job.adapter = row.get<std::optional<std::string>>(12);
  job.queued_ms = row.get<std::int64_t>(13);
  job.started_ms = row.get<std::optional<std::int64_t>>(14);
  job.ended_ms = row.get<std::optional<std::int64_t>>(15);
  read_result(row, job);
  return job;
}

std::string unpack_report(const std::string& frame) {
  Result<std::string> text = zstd_decompress(frame, kReportBytesMax);
  if (!text) throw DatabaseError(SQLITE_CORRUPT, "a stored report is damaged: " + text.error().text());
  return std::move(*text);
}

void settle_run(Tx& tx, const RunId& run, std::int64_t now_ms) {
  tx.change(
      "UPDATE runs SET state = 'deciding', updated_ms = ?2 WHERE id = ?1 AND state = 'running' AND NOT EXISTS "
      "(SELECT 1 FROM jobs WHERE run = ?1 AND state IN ('queued', 'leased', 'reported'))",
      run, now_ms);
}

std::optional<Job> find_job(ReadTx& tx, const JobId& id) {
  Query row = tx.query("SELECT " SMGATE_JOB_COLUMNS " FROM jobs WHERE id = ?1", id);
  if (!row.step()) return std::nullopt;
  return read_job(row);
}

std::vector<Job> jobs_of_run(ReadTx& tx, const RunId& run) {
  Query row = tx.query("SELECT " SMGATE_JOB_COLUMNS " FROM jobs WHERE run = ?1 ORDER BY arch", run);
  std::vector<Job> jobs;
  while (row.step()) jobs.push_back(read_job(row));
  return jobs;
}

std::vector<JobStage> stages_of_job(ReadTx& tx, const JobId& id, int attempt) {
  Query row = tx.query(
      "SELECT name, outcome, exit_code, signal, duration_ms, began_ms FROM job_stages "
      "WHERE job = ?1 AND attempt = ?2 ORDER BY position",
      id, attempt);
  std::vector<JobStage> stages;
  while (row.step())
    stages.push_back({row.get<std::string>(0),
                      value_named(protocol::kStageOutcomes, row.get<std::optional<std::string>>(1)), row.get<int>(2),
                      row.get<int>(3), row.get<std::int64_t>(4), row.get<std::int64_t>(5)});
  return stages;
}

void begin_stage(Tx& tx, const Job& job, const std::string& stage, std::int64_t now_ms) {
  tx.change(
      "INSERT INTO job_stages (job, attempt, position, name, began_ms) VALUES (?1, ?2, "
      "(SELECT count(*) FROM job_stages WHERE job = ?1 AND attempt = ?2), ?3, ?4) ON CONFLICT DO NOTHING",
      job.id, job.attempt, stage, now_ms);
}

void end_stage(Tx& tx, const Job& job, const protocol::StageEnd& end, std::int64_t now_ms) {
  begin_stage(tx, job, end.stage, now_ms - end.duration_ms);  // one that never began, too, has its row
  tx.change(
      "UPDATE job_stages SET outcome = ?4, exit_code = ?5, signal = ?6, duration_ms = ?7 "
      "WHERE job = ?1 AND attempt = ?2 AND name = ?3",
      job.id, job.attempt, end.stage, protocol::to_string(end.outcome), end.exit_code, end.signal, end.duration_ms);
}

std::optional<Job> oldest_reported_job(ReadTx& tx) {
  Query row = tx.query("SELECT " SMGATE_JOB_COLUMNS " FROM jobs WHERE state = 'reported' ORDER BY id LIMIT 1");
  if (!row.step()) return std::nullopt;
  return read_job(row);
}

bool judge_job(Tx& tx, const JobId& id, int attempt, const JobVerdict& verdict, std::int64_t now_ms) {
  const std::int64_t changed = tx.change(
      "UPDATE jobs SET state = 'done', verdict = ?3, first_cause = ?4, reason = ?5, initial_loss = ?6, final_loss = "
      "?7, "
      "steps = ?8, emulated = max(emulated, ?9) WHERE id = ?1 AND state = 'reported' AND attempt = ?2",
      id, attempt, to_string(verdict.verdict), verdict.first_cause, verdict.reason, verdict.initial_loss,
      verdict.final_loss, verdict.steps, verdict.emulated);
  if (changed == 0) return false;
  const std::string facts = zstd_compress(verdict.facts_json);
  const std::string report = zstd_compress(verdict.report_json);
  tx.change("INSERT INTO job_reports (job, facts, report) VALUES (?1, ?2, ?3)", id, Blob(facts), Blob(report));
  if (verdict.failure) save_failure(tx, id, *verdict.failure);
  const std::optional<Job> job = find_job(tx, id);
  settle_run(tx, job->run, now_ms);
  return true;
}

std::optional<JobReport> find_report(ReadTx& tx, const JobId& id) {
  Query row = tx.query("SELECT facts, report FROM job_reports WHERE job = ?1", id);
  if (!row.step()) return std::nullopt;
  return JobReport{unpack_report(row.get<std::string>(0)), unpack_report(row.get<std::string>(1))};
}

}  // namespace smgate::store
