// From reported jobs to verdicts, and from a run's jobs to the run's. load, finish and decide are transactions; judge
// is pure, takes long for large runs, and is called on a worker thread between them. Woken when a job is reported or
// its attempts are exhausted, and at start:
//
//   while (auto job = read(load_reported_job)) { auto judged = judge(*job); write(finish_job(judged)); }
//   while (write(decide_next_run)) {}
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/store/events.hpp"
#include "server/store/job_views.hpp"
#include "server/store/jobs.hpp"
#include "server/store/runs.hpp"

namespace smgate::verdict {

struct ReportedJob {
  store::Job job;
  std::vector<store::JobStage> stages;
  std::vector<store::EventFile> events;
  std::string policy_json;
};
// The oldest one that waits; nothing where none does.
std::optional<ReportedJob> load_reported_job(store::ReadTx& tx);

struct JudgedJob {
  JobId job;
  int attempt = 0;
  store::JobVerdict verdict;
  std::optional<store::JobView> view;  // for the dashboard; absent where the job could not be judged
};
JudgedJob judge(const ReportedJob& reported);

struct Config {
  bool emulated_satisfies = false;  // whether an emulated run satisfies a required architecture
};

// The job's verdict, once. False: another was faster, or the run was cancelled meanwhile.
bool finish_job(store::Tx& tx, const JudgedJob& judged, std::int64_t now_ms);

struct Decided {
  RunId run;
  store::RunVerdict verdict = store::RunVerdict::inconclusive;
};
// The verdict of the oldest run whose jobs are all over, by a verdict of the contract or because their attempts are
// exhausted. Nothing where none waits.
std::optional<Decided> decide_next_run(store::Tx& tx, const Config& config, std::int64_t now_ms);

// Pure: what the jobs of a run amount to. A failure outweighs an open question; nothing passes on less than all.
struct RunDecision {
  store::RunVerdict verdict = store::RunVerdict::inconclusive;
  std::string first_cause;
  std::string reason;
};
RunDecision decide(const std::vector<store::Job>& jobs, const Config& config);

}  // namespace smgate::verdict
