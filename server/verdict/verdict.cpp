#include "server/verdict/verdict.hpp"

#include "server/curves/curve_reader.hpp"
#include "server/store/heads.hpp"
#include "server/store/run_reports.hpp"
#include "server/verdict/blame.hpp"

namespace smgate::verdict {

std::optional<ReportedJob> load_reported_job(store::ReadTx& tx) {
  const std::optional<store::Job> job = store::oldest_reported_job(tx);
  if (!job) return std::nullopt;
  ReportedJob reported{*job,
                       store::stages_of_job(tx, job->id, job->attempt),
                       store::read_events(tx, job->id, job->attempt),
                       store::policy_of_run(tx, job->run).value_or("{}"),
                       {},
                       curves::read_sampled(tx, *job, job->attempt, store::kReadyPoints)};
  for (const store::EarlierFailure& failure : store::earlier_failures(tx, *job))
    reported.earlier_failures.push_back(failure.sign);
  return reported;
}

bool finish_job(store::Tx& tx, const JudgedJob& judged, std::int64_t now_ms) {
  if (!store::judge_job(tx, judged.job, judged.attempt, judged.verdict, now_ms)) return false;
  if (judged.view) store::save_job_view(tx, judged.job, judged.attempt, *judged.view);
  return true;
}

std::optional<EndedRun> load_ended_run(store::ReadTx& tx) {
  const std::optional<RunId> id = store::next_run_to_decide(tx);
  if (!id) return std::nullopt;
  const store::Run run = store::find_run(tx, *id).value();
  EndedRun ended{*id, store::jobs_of_run(tx, *id), store::policy_of_run(tx, *id).value_or("{}"), {}};
  for (const store::Job& job : ended.jobs) {
    KnownFacts& known = ended.facts[job.arch];
    if (auto report = store::find_report(tx, job.id)) known.facts_json = std::move(report->facts_json);
    known.base_facts_json = store::newest_green_facts(tx, run, job.arch);
  }
  return ended;
}

bool finish_run(store::Tx& tx, const JudgedRun& judged, std::int64_t now_ms) {
  const auto& [verdict, first_cause, reason] = judged.decision;
  if (!store::end_run(tx, judged.run, verdict, first_cause, reason, now_ms)) return false;
  if (judged.report_json) store::save_run_report(tx, judged.run, *judged.report_json);
  note_blame(tx, judged.run);
  return true;
}

}  // namespace smgate::verdict
