// Jobs that wait for a runner, with what is needed to say why. Read by the dashboard.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "server/store/jobs.hpp"
#include "server/store/runners.hpp"

namespace smgate::store {

inline constexpr std::size_t kQueueShownMax = 200;  // more is not read by anybody; the total is told

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
struct QueueView {
  std::vector<QueuedJob> jobs;  // the oldest first
  std::int64_t total = 0;
  std::vector<Runner> runners;
  std::vector<int> held;  // how many jobs each runner holds
};
QueueView read_queue(ReadTx& tx);

}  // namespace smgate::store
