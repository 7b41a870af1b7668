// The kernel caches of a run's jobs side by side, and what differs from another run's. On a reader thread of the store.
#pragma once

#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/store/views.hpp"

namespace smgate::dashboard {

inline constexpr std::size_t kChangesShownMax = 2000;  // of a difference; more is a rewrite, and nobody reads it

// Of one job, as it is stored: see store/job_views.hpp.
struct JobKeys {
  store::Job job;
  std::optional<store::JobStats> stats;
  nlohmann::json coverage;  // null where the job was not judged
  bool known() const { return coverage.is_object(); }
};
struct RunKeys {
  store::Run run;
  std::vector<JobKeys> jobs;
};
std::optional<RunKeys> read_run_keys(store::ReadTx& tx, const RunId& id);

// The run to compare with: the one that is named, else the newest of the commit whose policy counts.
std::optional<RunId> base_of(store::ReadTx& tx, const store::Run& run, const std::optional<RunId>& named);

struct MatrixQuery {
  std::optional<std::string> state;  // only rows in which a cell has it
  std::size_t first = 0;
  std::size_t limit = 0;
};
struct Matrix {
  nlohmann::json rows;
  std::size_t total = 0;  // that match
};
Matrix make_matrix(const RunKeys& run, const MatrixQuery& query);
nlohmann::json columns_json(const RunKeys& run);
nlohmann::json difference_json(const RunKeys& run, const RunKeys& base);

}  // namespace smgate::dashboard
