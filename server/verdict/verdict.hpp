// From reported jobs to verdicts, and from a run's jobs to the run's. load and finish are transactions; judge is pure,
// takes long for large runs, and is called on a worker thread between them. Woken when a job is reported or its
// attempts are exhausted, and at start:
//
//   while (auto job = read(load_reported_job)) { auto judged = judge(*job); write(finish_job(judged)); }
//   while (auto run = read(load_ended_run)) { auto judged = judge(*run, config); write(finish_run(judged)); }
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/contract/report.hpp"
#include "common/contract/signature.hpp"
#include "server/curves/curve_text.hpp"
#include "server/store/events.hpp"
#include "server/store/failures.hpp"
#include "server/store/job_views.hpp"
#include "server/store/jobs.hpp"
#include "server/store/runs.hpp"

namespace smgate::verdict {

struct ReportedJob {
  store::Job job;
  std::vector<store::JobStage> stages;
  std::vector<store::EventFile> events;
  std::string policy_json;
  std::vector<contract::FailureSign> earlier_failures;  // of its branch, oldest first
  curves::CurveText curve;                              // thinned out
};
// The oldest one that waits; nothing where none does.
std::optional<ReportedJob> load_reported_job(store::ReadTx& tx);

struct JudgedJob {
  JobId job;
  int attempt = 0;
  store::JobVerdict verdict;
  std::optional<store::JobView> view = {};  // for the dashboard; absent where the job could not be judged
};
JudgedJob judge(const ReportedJob& reported);

struct Config {
  bool emulated_satisfies = false;  // whether an emulated run satisfies a required architecture
};

// The job's verdict, once. False: another was faster, or the run was cancelled meanwhile.
bool finish_job(store::Tx& tx, const JudgedJob& judged, std::int64_t now_ms);

struct KnownFacts {  // JobFacts; absent: there are none
  std::optional<std::string> facts_json;
  std::optional<std::string> base_facts_json;  // of the newest green run of the base branch
};
struct EndedRun {
  RunId run;
  std::vector<store::Job> jobs;  // by architecture
  std::string policy_json;
  std::map<Arch, KnownFacts> facts;
};
// The oldest run whose jobs are all over, by a verdict of the contract or because their attempts are exhausted. Nothing
// where none waits.
std::optional<EndedRun> load_ended_run(store::ReadTx& tx);

// A failure outweighs an open question, and what a job shows by itself outweighs what comparing shows: it lies
// upstream. Nothing passes on less than all jobs.
struct RunDecision {
  store::RunVerdict verdict = store::RunVerdict::inconclusive;
  std::string first_cause;
  std::string reason;
};
// Pure: what the jobs of a run and their comparison amount to.
RunDecision decide(const std::vector<store::Job>& jobs, const contract::Report& compared, const Config& config);

struct JudgedRun {
  RunId run;
  RunDecision decision;
  std::optional<std::string> report_json;  // of its architectures; none where nothing could be compared
};
JudgedRun judge(const EndedRun& ended, const Config& config);

// The run's verdict and its report, once. False: another was faster.
bool finish_run(store::Tx& tx, const JudgedRun& judged, std::int64_t now_ms);

}  // namespace smgate::verdict
