#include "server/store/job_views.hpp"

#include <spdlog/fmt/fmt.h>

#include "common/compress.hpp"
#include "server/store/job_rows.hpp"

namespace smgate::store {
namespace {

constexpr std::size_t kUnpackedBytesMax = 256U << 20U;  // 20,000 keys of 256 bytes are 6 MB; what is larger is damaged
constexpr std::string_view kAboveAllIds = "~";

#define SMGATE_STATS_COLUMNS                                                                               \
  "guilty_key, tokens_per_s, prewarm_ms, cache_bytes, warmed, used, missing, drifted, collided, skipped, " \
  "unused, late_compiles"

JobStats read_stats(const Query& row, int at) {
  JobStats stats;
  stats.guilty_key = row.get<std::string>(at);
  stats.tokens_per_s = row.get<std::optional<double>>(at + 1);
  stats.prewarm_ms = row.get<std::optional<double>>(at + 2);
  stats.cache_bytes = row.get<std::uint64_t>(at + 3);
  std::uint64_t* const counts[] = {&stats.keys.warmed,  &stats.keys.used,         &stats.keys.missing,
                                   &stats.keys.drifted, &stats.keys.collided,     &stats.keys.skipped,
                                   &stats.keys.unused,  &stats.keys.late_compiles};
  int column = at + 4;
  for (std::uint64_t* count : counts) *count = row.get<std::uint64_t>(column++);
  return stats;
}

std::string unpack(const std::string& frame, const char* what) {
  Result<std::string> text = zstd_decompress(frame, kUnpackedBytesMax);
  if (!text) throw DatabaseError(SQLITE_CORRUPT, fmt::format("a stored {} is damaged: {}", what, text.error().text()));
  return std::move(*text);
}

}  // namespace

void save_job_view(Tx& tx, const JobId& job, int attempt, const JobView& view) {
  const JobStats& stats = view.stats;
  const KeyCounts& keys = stats.keys;
  tx.change("INSERT OR REPLACE INTO job_stats (job, run, repository, branch, arch, " SMGATE_STATS_COLUMNS
            ") SELECT jobs.id, run, repository, branch, arch, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13 "
            "FROM jobs JOIN runs ON runs.id = run WHERE jobs.id = ?1",
            job, stats.guilty_key, stats.tokens_per_s, stats.prewarm_ms, stats.cache_bytes, keys.warmed, keys.used,
            keys.missing, keys.drifted, keys.collided, keys.skipped, keys.unused, keys.late_compiles);
  const std::string data = zstd_compress(view.coverage_json);
  tx.change("INSERT OR REPLACE INTO job_coverage (job, data) VALUES (?1, ?2)", job, Blob(data));
  tx.change("INSERT OR REPLACE INTO ready_curves (job, attempt, total, points) VALUES (?1, ?2, ?3, ?4)", job, attempt,
            view.curve.total, view.curve.points_json);
}

std::optional<JobStats> find_job_stats(ReadTx& tx, const Job& job) {
  if (!job.verdict) return std::nullopt;  // what an earlier verdict left says nothing of the attempt at hand
  Query row = tx.query("SELECT " SMGATE_STATS_COLUMNS " FROM job_stats WHERE job = ?1", job.id);
  if (!row.step()) return std::nullopt;
  return read_stats(row, 0);
}

std::optional<std::string> find_coverage(ReadTx& tx, const Job& job) {
  if (!job.verdict) return std::nullopt;
  Query row = tx.query("SELECT data FROM job_coverage WHERE job = ?1", job.id);
  if (!row.step()) return std::nullopt;
  return unpack(row.get<std::string>(0), "coverage");
}

std::optional<ReadyCurve> find_ready_curve(ReadTx& tx, const Job& job) {
  if (!job.verdict) return std::nullopt;
  Query row = tx.query("SELECT total, points FROM ready_curves WHERE job = ?1 AND attempt = ?2", job.id, job.attempt);
  if (!row.step()) return std::nullopt;
  return ReadyCurve{row.get<std::uint64_t>(0), row.get<std::string>(1)};
}

std::optional<std::string> find_report_json(ReadTx& tx, const JobId& job) {
  Query row = tx.query("SELECT report FROM job_reports WHERE job = ?1", job);
  if (!row.step()) return std::nullopt;
  return unpack(row.get<std::string>(0), "report");
}

TrendPage read_trends(ReadTx& tx, const std::string& repository, const std::string& branch,
                      const std::optional<Arch>& arch, const std::optional<RunId>& before, std::size_t runs_max) {
  std::vector<RunId> runs;
  {
    Query row = tx.query(
        "SELECT DISTINCT run FROM job_stats WHERE repository = ?1 AND branch = ?2 AND run < ?3 ORDER BY run DESC "
        "LIMIT ?4",
        repository, branch, before.value_or(RunId{std::string(kAboveAllIds)}), runs_max + 1);
    while (row.step()) runs.push_back(row.get<RunId>(0));
  }
  TrendPage page;
  if (runs.size() > runs_max) {
    runs.pop_back();
    page.next = runs.back();
  }
  for (const RunId& run : runs) {
    const std::optional<Run> found = find_run(tx, run);
    for (const Job& job : jobs_of_run(tx, run)) {
      if (arch && job.arch != *arch) continue;
      if (const std::optional<JobStats> stats = find_job_stats(tx, job))
        page.points.push_back({job, found->head_sha, *stats});
    }
  }
  return page;
}

}  // namespace smgate::store
