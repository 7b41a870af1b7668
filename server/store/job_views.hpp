// What a judged job measured, its kernel cache a key an entry, and its curve as text: made once at its verdict, so that
// boards, trends, matrices and curves are read and not made. Written by the verdict, read by the dashboard.
//
// The coverage is JSON, so that it can be served as it is stored:
//   {"left_out": 0, "timeline": {as the API has it}, "keys": [[cache, key, state, nearest key or null, hits, misses,
//    bytes, late compiles], ...]}, in which keys that need attention come first.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/store/jobs.hpp"
#include "server/store/runs.hpp"

namespace smgate::store {

struct KeyCounts {
  std::uint64_t warmed = 0, used = 0, missing = 0, drifted = 0, collided = 0, skipped = 0, unused = 0;
  std::uint64_t late_compiles = 0;
};

struct JobStats {
  std::string guilty_key;  // that the most upstream cause is about; empty: none
  std::optional<double> tokens_per_s;
  std::optional<double> prewarm_ms;
  std::uint64_t cache_bytes = 0;
  KeyCounts keys;
};

// Its curve, thinned out to at most kReadyPoints, as the text of an answer.
inline constexpr std::size_t kReadyPoints = 2000;  // about a pixel each: what a page asks for
struct ReadyCurve {
  std::uint64_t total = 0;  // points, before
  std::string points_json;
};

struct JobView {
  JobStats stats;
  std::string coverage_json;
  ReadyCurve curve;
};

// Takes the place of what an earlier verdict of the job left.
void save_job_view(Tx& tx, const JobId& job, int attempt, const JobView& view);
// Absent where the job has no verdict, or attempts were exhausted before there was anything to measure.
std::optional<JobStats> find_job_stats(ReadTx& tx, const Job& job);
std::optional<std::string> find_coverage(ReadTx& tx, const Job& job);
// Also absent where the job was judged before such texts were kept.
std::optional<ReadyCurve> find_ready_curve(ReadTx& tx, const Job& job);
// The report alone: facts are larger, and only judging reads them.
std::optional<std::string> find_report_json(ReadTx& tx, const JobId& job);

struct TrendPoint {
  Job job;
  CommitSha commit;
  JobStats stats;
};
struct TrendPage {
  std::vector<TrendPoint> points;  // the newest run first, by architecture
  std::optional<RunId> next;
};
TrendPage read_trends(ReadTx& tx, const std::string& repository, const std::string& branch,
                      const std::optional<Arch>& arch, const std::optional<RunId>& before, std::size_t runs_max);

}  // namespace smgate::store
