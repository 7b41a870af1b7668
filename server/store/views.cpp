#include "server/store/views.hpp"

#include <algorithm>

#include "server/store/heads.hpp"
#include "server/store/run_reports.hpp"
#include "server/store/run_rows.hpp"

namespace smgate::store {
namespace {

// The first page starts above every ULID.
constexpr std::string_view kAboveAllIds = "~";

// Each begins at the index that narrows most; what it does not cover is compared row by row.
#define SMGATE_LIST_RUNS(where)                                                                                \
  "SELECT " SMGATE_RUN_COLUMNS " FROM runs WHERE id < ?1 AND " where                                           \
  " AND (?3 IS NULL OR repository = ?3) AND (?4 IS NULL OR branch = ?4) AND (?5 IS NULL OR verdict = ?5) AND " \
  "(?6 IS NULL OR (head_sha >= ?6 AND head_sha < ?6 || 'g')) ORDER BY id DESC LIMIT ?2"

Query query_runs(ReadTx& tx, const RunFilter& filter, const RunId& before, std::size_t count) {
  std::optional<std::string> verdict;
  if (filter.verdict) verdict = to_string(*filter.verdict);
  const auto ask = [&](Sql sql) {
    return tx.query(sql, before, count, filter.repository, filter.branch, verdict, filter.commit_prefix);
  };
  if (filter.commit_prefix) return ask(SMGATE_LIST_RUNS("head_sha >= ?6 AND head_sha < ?6 || 'g'"));
  if (filter.repository && filter.branch) return ask(SMGATE_LIST_RUNS("repository = ?3 AND branch = ?4"));
  if (filter.verdict && !filter.repository) return ask(SMGATE_LIST_RUNS("verdict = ?5"));
  if (filter.repository) return ask(SMGATE_LIST_RUNS("repository = ?3"));
  return ask(SMGATE_LIST_RUNS("1"));
}

std::vector<Trigger> triggers_of(ReadTx& tx, const RunId& run) {
  Query row = tx.query(
      "SELECT delivery, event, ref, pull_request FROM run_triggers WHERE run = ?1 ORDER BY created_ms, delivery", run);
  std::vector<Trigger> triggers;
  while (row.step())
    triggers.push_back({row.get<DeliveryId>(0), row.get<std::string>(1), row.get<std::string>(2),
                        row.get<std::optional<std::int64_t>>(3)});
  return triggers;
}

std::int64_t count_of(Query row) {
  row.step();
  return row.get<std::int64_t>(0);
}

}  // namespace

RunPage list_runs(ReadTx& tx, const RunFilter& filter, const std::optional<RunId>& before, std::size_t count_max) {
  const std::size_t count = std::min(count_max, kPageMax);
  RunPage page;
  {
    Query row = query_runs(tx, filter, before.value_or(RunId{std::string(kAboveAllIds)}), count + 1);
    while (page.runs.size() < count && row.step()) page.runs.push_back({read_run_row(row), {}});
    if (page.runs.size() == count && count > 0 && row.step()) page.next = page.runs.back().run.id;
  }
  for (RunSummary& summary : page.runs) summary.jobs = jobs_of_run(tx, summary.run.id);
  return page;
}

JobDetail read_job_detail(ReadTx& tx, const Job& job) {
  return {job, stages_of_job(tx, job.id, job.attempt), find_report_json(tx, job.id), find_job_stats(tx, job)};
}

std::optional<RunDetail> read_run(ReadTx& tx, const RunId& id) {
  const std::optional<Run> run = find_run(tx, id);
  if (!run) return std::nullopt;
  RunDetail detail{*run,
                   triggers_of(tx, id),
                   {},
                   past_verdicts(tx, id),
                   actions_of_run(tx, id),
                   find_run_report(tx, id),
                   find_blame(tx, id)};
  for (const Job& job : jobs_of_run(tx, id)) detail.jobs.push_back(read_job_detail(tx, job));
  return detail;
}

Counts count_work(ReadTx& tx) {
  Counts counts;
  counts.deliveries_pending = count_of(tx.query("SELECT count(*) FROM deliveries WHERE state = 'pending'"));
  counts.reported = count_of(tx.query("SELECT count(*) FROM jobs WHERE state = 'reported'"));
  counts.calls = count_calls(tx);
  Query runs = tx.query(
      "SELECT state, count(*) FROM runs WHERE state IN ('fetching', 'running', 'deciding', 'held') GROUP BY state");
  while (runs.step()) counts.runs_by_state[runs.get<std::string>(0)] = runs.get<std::int64_t>(1);
  Query queued = tx.query("SELECT arch, count(*), min(queued_ms) FROM jobs WHERE state = 'queued' GROUP BY arch");
  while (queued.step())
    counts.queued_by_arch[queued.get<Arch>(0)] = {queued.get<std::int64_t>(1), queued.get<std::int64_t>(2)};
  Query leased = tx.query("SELECT arch, count(*) FROM jobs WHERE lease IS NOT NULL AND state = 'leased' GROUP BY arch");
  while (leased.step()) counts.leased_by_arch[leased.get<Arch>(0)] = leased.get<std::int64_t>(1);
  return counts;
}

}  // namespace smgate::store
