// What the API and /metrics read. Pages go by cursor: the id of the last run of the page before; ULIDs sort by time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "server/store/actions.hpp"
#include "server/store/job_views.hpp"
#include "server/store/outbox.hpp"
#include "server/store/runs.hpp"

namespace smgate::store {

inline constexpr std::size_t kPageMax = 100;  // runs an answer

struct RunFilter {
  std::optional<std::string> repository;
  std::optional<std::string> branch;
  std::optional<std::string> commit_prefix;  // of the head, lower-case hex
  std::optional<RunVerdict> verdict;
};

struct RunSummary {
  Run run;
  std::vector<Job> jobs;
};
struct RunPage {
  std::vector<RunSummary> runs;  // newest first
  std::optional<RunId> next;     // give it as `before` for the next page
};
RunPage list_runs(ReadTx& tx, const RunFilter& filter, const std::optional<RunId>& before, std::size_t count_max);

struct JobDetail {
  Job job;
  std::vector<JobStage> stages;  // of the newest attempt
  std::optional<std::string> report_json;
  std::optional<JobStats> stats;
};
struct RunDetail {
  Run run;
  std::vector<Trigger> triggers;
  std::vector<JobDetail> jobs;
  std::vector<PastVerdict> history;
  std::vector<Action> actions;
  std::optional<std::string> report_json;  // its architectures compared; once it is decided
  std::optional<std::string> blame_json;   // see server/verdict/blame.hpp; absent where there is nothing to say
};
JobDetail read_job_detail(ReadTx& tx, const Job& job);
std::optional<RunDetail> read_run(ReadTx& tx, const RunId& id);

struct Counts {
  std::int64_t deliveries_pending = 0;
  std::map<std::string, std::int64_t> runs_by_state;  // those that are not over
  struct Queued {
    std::int64_t count = 0;
    std::int64_t oldest_ms = 0;  // queued since
  };
  std::map<Arch, Queued> queued_by_arch;
  std::map<Arch, std::int64_t> leased_by_arch;
  std::int64_t reported = 0;
  CallCounts calls;  // to GitHub
};
Counts count_work(ReadTx& tx);

}  // namespace smgate::store
