#include "server/verdict/verdict.hpp"

#include <spdlog/fmt/fmt.h>

namespace smgate::verdict {
namespace {

const store::Job* first_with(const std::vector<store::Job>& jobs, store::RunVerdict verdict) {
  for (const store::Job& job : jobs)
    if (job.verdict == verdict) return &job;
  return nullptr;
}

RunDecision because_of(const store::Job& job) {
  return {*job.verdict, job.first_cause, fmt::format("{}: {}", job.arch.value, job.reason)};
}

}  // namespace

std::optional<ReportedJob> load_reported_job(store::ReadTx& tx) {
  const std::optional<store::Job> job = store::oldest_reported_job(tx);
  if (!job) return std::nullopt;
  return ReportedJob{*job, store::stages_of_job(tx, job->id, job->attempt),
                     store::read_events(tx, job->id, job->attempt), store::policy_of_run(tx, job->run).value_or("{}")};
}

bool finish_job(store::Tx& tx, const JudgedJob& judged, std::int64_t now_ms) {
  if (!store::judge_job(tx, judged.job, judged.attempt, judged.verdict, now_ms)) return false;
  if (judged.view) store::save_job_view(tx, judged.job, *judged.view);
  return true;
}

std::optional<Decided> decide_next_run(store::Tx& tx, const Config& config, std::int64_t now_ms) {
  const std::optional<RunId> run = store::next_run_to_decide(tx);
  if (!run) return std::nullopt;
  const RunDecision decision = decide(store::jobs_of_run(tx, *run), config);
  store::end_run(tx, *run, decision.verdict, decision.first_cause, decision.reason, now_ms);
  return Decided{*run, decision.verdict};
}

RunDecision decide(const std::vector<store::Job>& jobs, const Config& config) {
  if (jobs.empty()) return {store::RunVerdict::inconclusive, "no_jobs", "no architecture is required"};
  if (const store::Job* job = first_with(jobs, store::RunVerdict::fail)) return because_of(*job);
  if (const store::Job* job = first_with(jobs, store::RunVerdict::inconclusive)) return because_of(*job);
  for (const store::Job& job : jobs) {
    if (!job.verdict) return {store::RunVerdict::inconclusive, "job_open", job.arch.value + " has no verdict"};
    if (job.emulated && !config.emulated_satisfies)
      return {
          store::RunVerdict::inconclusive, "emulated",
          fmt::format("{} passed on an emulated device, which does not satisfy a required architecture here: run it "
                      "on a real one, or allow emulated ones in the coordinator's configuration",
                      job.arch.value)};
  }
  return {store::RunVerdict::pass, "", ""};
}

}  // namespace smgate::verdict
