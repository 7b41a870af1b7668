#include "server/store/run_reports.hpp"

#include "common/compress.hpp"
#include "server/store/job_rows.hpp"
#include "server/store/repositories.hpp"

namespace smgate::store {

void save_run_report(Tx& tx, const RunId& run, const std::string& report_json) {
  const std::string report = zstd_compress(report_json);
  tx.change(
      "INSERT INTO run_reports (run, report) VALUES (?1, ?2) ON CONFLICT (run) DO UPDATE SET report = excluded.report",
      run, Blob(report));
}

std::optional<std::string> find_run_report(ReadTx& tx, const RunId& run) {
  Query row = tx.query("SELECT report FROM run_reports WHERE run = ?1", run);
  if (!row.step()) return std::nullopt;
  return unpack_report(row.get<std::string>(0));
}

std::string base_branch_of(ReadTx& tx, const Run& run) {
  if (run.pull_request) {
    Query row = tx.query("SELECT base_branch FROM pull_requests WHERE repository = ?1 AND number = ?2", run.repository,
                         *run.pull_request);
    if (row.step()) return row.get<std::string>(0);
  }
  const std::optional<Repository> repository = find_repository(tx, run.repository);
  return repository ? repository->default_branch : "";
}

std::optional<std::string> newest_green_facts(ReadTx& tx, const Run& run, const Arch& arch) {
  const std::string ref = "refs/heads/" + base_branch_of(tx, run);
  Query row = tx.query(
      "SELECT facts FROM runs JOIN jobs ON jobs.run = runs.id AND jobs.arch = ?4 JOIN job_reports ON job = jobs.id "
      "WHERE runs.repository = ?1 AND runs.ref = ?2 AND runs.verdict = 'pass' AND runs.id < ?3 "
      "ORDER BY runs.id DESC LIMIT 1",
      run.repository, ref, run.id, arch);
  if (!row.step()) return std::nullopt;
  return unpack_report(row.get<std::string>(0));
}

}  // namespace smgate::store
