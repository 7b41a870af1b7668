// What changed, in the order of commits: the database itself writes a row whenever a run or a job changes its state, so
// that live events can go on after a restart. Read by the streams of the dashboard.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/store/jobs.hpp"
#include "server/store/runs.hpp"

namespace smgate::store {

struct Change {
  std::int64_t seq = 0;  // of the newest of several that were put together
  Run run;
  std::optional<Job> job;  // absent: the run itself changed
};
struct Changes {
  bool lost = false;  // some after `after` are no longer kept
  std::int64_t last = 0;
  std::vector<Change> changes;
};
std::int64_t last_change(ReadTx& tx);
// Those after number `after`, as the rows are now; of several of one thing the last.
Changes read_changes(ReadTx& tx, std::int64_t after, std::size_t count_max);

}  // namespace smgate::store
