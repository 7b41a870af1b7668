// From reported jobs to verdicts. load and finish are transactions; judge is pure, takes long for large runs, and is
// called on a worker thread between them.
//
//   while (auto job = read(load_reported_job)) { auto judged = judge(*job); write(finish_job(judged)); }
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/store/events.hpp"
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
};
JudgedJob judge(const ReportedJob& reported);

struct Config {
  bool emulated_satisfies = false;  // whether an emulated run satisfies a required architecture
};
struct Finished {
  bool judged = false;  // false: another was faster, or the run was cancelled
  RunId run;
  std::optional<store::RunVerdict> run_verdict;  // where this was the last required job
};
// The job's verdict, once; and the run's with the last of its jobs.
Finished finish_job(store::Tx& tx, const JudgedJob& judged, const Config& config, std::int64_t now_ms);

// Decides the run where all its jobs are done: after jobs that ended without a verdict of the contract (attempts
// exhausted). Nothing where jobs are open or the run is over.
std::optional<store::RunVerdict> decide_run(store::Tx& tx, const RunId& run, const Config& config, std::int64_t now_ms);

// Pure: what the jobs of a run amount to.
struct RunDecision {
  store::RunVerdict verdict = store::RunVerdict::inconclusive;
  std::string first_cause;
  std::string reason;
};
RunDecision decide(const std::vector<store::Job>& jobs, const Config& config);

}  // namespace smgate::verdict
