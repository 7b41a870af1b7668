#include "tests/bench/dashboard_rows.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/compress.hpp"
#include "common/random.hpp"
#include "server/curves/curve_text.hpp"
#include "server/curves/lttb.hpp"
#include "server/store/curves.hpp"
#include "server/store/job_views.hpp"

namespace smgate::bench {
namespace {

using nlohmann::json;
using store::Blob;
using store::Database;
using store::Query;

constexpr std::int64_t kBegin_ms = 1'700'000'000'000;
constexpr std::int64_t kSamples = 400;
constexpr std::size_t kBoardRows = 30;       // of a page, where nobody asks for another number
constexpr std::int64_t kRunsACommit = 1000;  // keeps the write-ahead log small

std::vector<store::CurvePoint> curve(std::int64_t count) {
  std::vector<store::CurvePoint> points;
  const auto wave = [](std::int64_t i) { return std::sin(static_cast<double>(i)); };
  const auto part = [&wave](float mean, std::int64_t i) { return mean + mean * static_cast<float>(wave(i)) / 9; };
  for (std::int64_t i = 0; i < count; ++i)
    points.push_back(
        {i, 7.7 - 0.5 * wave(i), part(2.5F, 2 * i), part(0.25F, 3 * i), part(1.5F, 5 * i), part(1978.5F, 7 * i), 8192});
  return points;
}

std::string report() {
  json clauses = json::array(), findings = json::array();
  for (int i = 0; i < 18; ++i)
    clauses.push_back({{"id", (i < 9 ? "KC-" : "DS-") + std::to_string(i % 9 + 1)},
                       {"title", "What this clause asks of a run, in a sentence"},
                       {"outcome", i == 1 ? "fail" : "pass"},
                       {"reason", ""}});
  for (int i = 0; i < 20; ++i)
    findings.push_back({{"clause", "KC-2"},
                        {"kind", "missing"},
                        {"message", "rmsnorm_" + std::to_string(i) + " was never pre-warmed"},
                        {"key", "rmsnorm_" + std::to_string(i)},
                        {"evidence", json::array()},
                        {"explained_by", "prewarm_missing"}});
  return json{{"clauses", clauses}, {"findings", findings}, {"causes", json::array()}, {"warnings", json::array()}}
      .dump();
}

std::string sha(std::int64_t number) {
  std::string text = std::to_string(number);
  return std::string(40 - text.size(), '0') + text;
}

struct Bodies {
  std::string curve, ready, report;
};

Bodies bodies_of(std::int64_t points_count) {
  const std::vector<store::CurvePoint> points = curve(points_count);
  curves::Lttb thinned(points.size(), store::kReadyPoints);
  for (const store::CurvePoint& point : points) thinned.add(point);
  return {store::pack_points(points), curves::points_text(thinned.take()), zstd_compress(report())};
}

void insert_job(Database& db, const std::string& run, const std::string& job, const char* arch, std::int64_t at_ms,
                const std::string& branch, std::int64_t points, const Bodies& bodies) {
  db.query(
        "INSERT INTO jobs (id, run, arch, state, attempt, attempt_cap, stages_digest, queued_ms, ready_ms, started_ms, "
        "ended_ms, outcome, verdict, first_cause, reason, initial_loss, final_loss, steps) VALUES (?1, ?2, ?3, 'done', "
        "1, 3, '', ?4, ?4, ?4, ?4, 'completed', 'fail', 'prewarm_missing', 'missing', 7.7, 7.2, ?5)",
        job, run, arch, at_ms, points)
      .run();
  db.query("INSERT INTO job_reports (job, facts, report) VALUES (?1, ?2, ?2)", job, Blob(bodies.report)).run();
  db.query(
        "INSERT INTO job_stats VALUES (?1, ?2, 'acme/kernels', ?3, ?4, 'rmsnorm_1', 8000.0, 900.0, 4096, 3, 2, 20, 0, "
        "0, 0, 1, 20)",
        job, run, branch, arch)
      .run();
  db.query("INSERT INTO ready_curves VALUES (?1, 1, ?2, ?3)", job, points, bodies.ready).run();
  const std::size_t point_bytes = bodies.curve.size() / static_cast<std::size_t>(points);
  for (std::int64_t first = 0; first < points;) {
    const std::int64_t count = std::min<std::int64_t>(store::kPointsPerChunk, points - first);
    const std::string data = bodies.curve.substr(static_cast<std::size_t>(first) * point_bytes,
                                                 static_cast<std::size_t>(count) * point_bytes);
    db.query("INSERT INTO curve_chunks VALUES (?1, 1, ?2, ?3, ?2, ?4)", job, first, count, Blob(data)).run();
    first += count;
  }
}

std::uint64_t sum_bytes(Query query, int columns) {
  std::uint64_t bytes = 0;
  while (query.step())
    for (int column = 0; column < columns; ++column)
      bytes += query.get<std::optional<std::string>>(column).value_or("").size();
  return bytes;
}

#define JOB_TEXTS                                                                                        \
  "id, run, arch, state, attempt, attempt_cap, lease, lease_expires_ms, ended_lease, runner, next_seq, " \
  "stages_digest, adapter, queued_ms, started_ms, ended_ms, outcome, outcome_text, emulated, verdict, "  \
  "first_cause, reason, log_bytes, event_bytes, events_cut, initial_loss, final_loss, steps"

}  // namespace

std::vector<Sample> fill(Database& db, const Scale& scale) {
  SeededRandom random(1);
  const Bodies bodies = bodies_of(scale.points);
  std::vector<Sample> samples;
  const std::int64_t samples_apart = std::max<std::int64_t>(1, scale.runs / kSamples);
  for (std::int64_t i = 0; i < scale.runs; ++i) {
    if (i % kRunsACommit == 0) db.execute(i == 0 ? "BEGIN" : "COMMIT; BEGIN");
    const std::int64_t at_ms = kBegin_ms + i * 1000;
    const std::string run = make_ulid(at_ms, random);
    const std::string branch = "branch-" + std::to_string(i % scale.branches);
    db.query(
          "INSERT INTO runs (id, repository, head_sha, base_sha, base_rule, branch, ref, state, verdict, first_cause, "
          "reason, required_json, created_ms, updated_ms, ended_ms) VALUES (?1, 'acme/kernels', ?2, '', 'none', ?3, "
          "'refs/heads/' || ?3, 'done', 'fail', 'prewarm_missing', 'missing', '[\"sm_89\",\"sm_121\"]', ?4, ?4, ?4)",
          run, sha(i), branch, at_ms)
        .run();
    const std::string job = make_ulid(at_ms, random);
    insert_job(db, run, job, "sm_89", at_ms, branch, scale.points, bodies);
    insert_job(db, run, make_ulid(at_ms, random), "sm_121", at_ms, branch, scale.points, bodies);
    if (i == scale.runs / 2 || i % samples_apart == 0) samples.push_back({run, job});
    if (i == scale.runs / 2) std::swap(samples.front(), samples.back());
  }
  db.execute("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");  // else a small store is read out of its log, a large one not
  return samples;
}

std::vector<std::string> board_cursors(Database& db) {
  std::vector<std::string> cursors;
  Query row = db.query("SELECT run FROM branch_runs ORDER BY run DESC");
  for (std::size_t i = 1; row.step(); ++i)
    if (i % kBoardRows == 0) cursors.push_back(row.get<std::string>(0));
  if (!cursors.empty()) cursors.pop_back();  // the last page is not a whole one
  return cursors;
}

std::uint64_t read_board(Database& db, const std::string& before) {
  std::uint64_t bytes = 0;
  std::vector<std::string> runs;
  {
    Query row = db.query("SELECT run FROM branch_runs WHERE run < ?1 ORDER BY run DESC LIMIT ?2", before, kBoardRows);
    while (row.step()) runs.push_back(row.get<std::string>(0));
  }
  for (const std::string& run : runs) {
    bytes += sum_bytes(db.query("SELECT * FROM runs WHERE id = ?1", run), 23);
    bytes += sum_bytes(db.query("SELECT id, head_sha, state, verdict FROM runs WHERE repository = 'acme/kernels' AND "
                                "branch = (SELECT branch FROM runs WHERE id = ?1) AND id < ?1 ORDER BY id DESC LIMIT 3",
                                run),
                       4);
    bytes += sum_bytes(db.query("SELECT " JOB_TEXTS " FROM jobs WHERE run = ?1 ORDER BY arch", run), 28);
    bytes +=
        sum_bytes(db.query("SELECT job_stats.* FROM job_stats JOIN jobs ON job = id WHERE jobs.run = ?1", run), 17);
  }
  return bytes;
}

std::uint64_t read_run(Database& db, const Sample& sample) {
  return sum_bytes(db.query("SELECT * FROM runs WHERE id = ?1", sample.run), 23) +
         sum_bytes(db.query("SELECT " JOB_TEXTS " FROM jobs WHERE run = ?1 ORDER BY arch", sample.run), 28) +
         sum_bytes(db.query("SELECT report FROM job_reports JOIN jobs ON job = id WHERE run = ?1", sample.run), 1) +
         sum_bytes(db.query("SELECT job_stats.* FROM job_stats JOIN jobs ON job = id WHERE jobs.run = ?1", sample.run),
                   17);
}

std::uint64_t read_curve(Database& db, const Sample& sample) {
  return sum_bytes(db.query("SELECT data FROM curve_chunks WHERE job = ?1 AND attempt = 1 ORDER BY first", sample.job),
                   1);
}

}  // namespace smgate::bench
