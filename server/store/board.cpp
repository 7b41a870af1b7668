#include "server/store/board.hpp"

#include <algorithm>

namespace smgate::store {
namespace {

constexpr std::string_view kAboveAllIds = "~";

std::vector<RunId> newest_runs(ReadTx& tx, const std::optional<std::string>& repository, const RunId& before,
                               std::size_t count) {
  Query row = repository
                  ? tx.query(
                        "SELECT run FROM branch_runs WHERE repository = ?1 AND run < ?2 ORDER BY run DESC "
                        "LIMIT ?3",
                        *repository, before, count)
                  : tx.query("SELECT run FROM branch_runs WHERE run < ?1 ORDER BY run DESC LIMIT ?2", before, count);
  std::vector<RunId> runs;
  while (row.step()) runs.push_back(row.get<RunId>(0));
  return runs;
}

std::vector<EarlierRun> runs_before(ReadTx& tx, const Run& run) {
  Query row = tx.query(
      "SELECT id, head_sha, state, verdict FROM runs WHERE repository = ?1 AND branch = ?2 AND id < ?3 "
      "ORDER BY id DESC LIMIT ?4",
      run.repository, run.branch, run.id, kEarlierRuns);
  std::vector<EarlierRun> runs;
  while (row.step())
    runs.push_back({row.get<RunId>(0), row.get<CommitSha>(1), parse_run_state(row.get<std::string>(2)),
                    parse_verdict(row.get<std::optional<std::string>>(3).value_or(""))});
  return runs;
}

}  // namespace

BoardPage read_board(ReadTx& tx, const std::optional<std::string>& repository, const std::optional<RunId>& before,
                     std::size_t count_max) {
  const std::size_t count = std::min(count_max, kPageMax);
  std::vector<RunId> runs = newest_runs(tx, repository, before.value_or(RunId{std::string(kAboveAllIds)}), count + 1);
  BoardPage page;
  if (runs.size() > count) {
    runs.pop_back();
    page.next = runs.back();
  }
  for (const RunId& id : runs) {
    BoardRow row{{*find_run(tx, id), jobs_of_run(tx, id)}, {}, {}};
    row.earlier = runs_before(tx, row.run.run);
    for (const Job& job : row.run.jobs)
      if (const std::optional<JobStats> stats = find_job_stats(tx, job); stats && !stats->guilty_key.empty())
        row.guilty_keys.emplace(job.id, stats->guilty_key);
    page.rows.push_back(std::move(row));
  }
  return page;
}

std::optional<RunVerdict> verdict_of_branch(ReadTx& tx, const std::string& repository, const std::string& branch) {
  Query row = tx.query(
      "SELECT verdict FROM runs WHERE repository = ?1 AND branch = ?2 AND state = 'done' ORDER BY id DESC LIMIT 1",
      repository, branch);
  return row.step() ? parse_verdict(row.get<std::string>(0)) : std::nullopt;
}

std::optional<RunId> run_of_commit(ReadTx& tx, const std::string& repository, const CommitSha& commit,
                                   const RunId& except) {
  Query row = tx.query(
      "SELECT id FROM runs WHERE head_sha = ?1 AND repository = ?2 AND state = 'done' AND id != ?3 ORDER BY id DESC "
      "LIMIT 1",
      commit, repository, except);
  if (!row.step()) return std::nullopt;
  return row.get<RunId>(0);
}

}  // namespace smgate::store
