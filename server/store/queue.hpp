// Jobs that wait for a runner, with what is needed to say why. Read by the dashboard.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/store/jobs.hpp"
#include "server/store/runners.hpp"

namespace smgate::store {

inline constexpr std::size_t kQueuePageMax = 200;

struct QueuedJob {
  JobId job;
  RunId run;
  std::string repository;
  std::string branch;
  CommitSha commit;
  Arch arch;
  int attempt = 0;
  std::int64_t queued_ms = 0;
  std::int64_t ready_ms = 0;   // not before
  std::string access_error{};  // why there is no token for its private repository
  std::int64_t access_retry_ms = 0;
};
// Where a page of the queue begins: behind this job.
struct QueuePlace {
  std::int64_t queued_ms = -1;
  JobId job;
};
struct QueueView {
  std::vector<QueuedJob> jobs;  // the oldest first
  bool more = false;            // behind them
  std::int64_t total = 0;
  std::vector<Runner> runners;
  std::vector<int> held;  // how many jobs each runner holds
};
QueueView read_queue(ReadTx& tx, const std::optional<RunId>& run, const QueuePlace& after, std::size_t count_max);

}  // namespace smgate::store
