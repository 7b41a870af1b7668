// Events into facts into a verdict. The pure half of verdict.hpp.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/contract/facts_json.hpp"
#include "common/contract/fold.hpp"
#include "common/contract/judge.hpp"
#include "server/verdict/job_view.hpp"
#include "server/verdict/verdict.hpp"

namespace smgate::verdict {
namespace {

// The events of one file, a line each. Lines that are none are told to the facts.
contract::EventSource events_of(const store::EventFile& file, contract::Facts& facts) {
  return [rest = std::string_view(file.lines), &facts]() mutable -> std::optional<contract::Event> {
    while (!rest.empty()) {
      const std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(rest.size(), line.size() + 1));
      if (line.empty()) continue;
      Result<contract::Event> event = contract::parse_event(line);
      if (event) return std::move(*event);
      contract::fold_unreadable(facts, event.error());
    }
    return std::nullopt;
  };
}

contract::Facts fold_all(const std::vector<store::EventFile>& files, JobTimeline& timeline) {
  contract::Facts facts;
  std::vector<contract::EventSource> sources;
  for (const store::EventFile& file : files) sources.push_back(events_of(file, facts));
  contract::merge(std::move(sources), [&facts, &timeline](const contract::Event& event) {
    contract::fold(facts, event);
    timeline.see(event);
  });
  return facts;
}

contract::Policy policy_of(const ReportedJob& reported) {
  Result<contract::Policy> policy =
      contract::policy_from_json(nlohmann::json::parse(reported.policy_json), "the policy of the run");
  if (!policy) throw std::runtime_error(policy.error().text());  // source wrote it
  return std::move(*policy);
}

std::string describe_stage(const store::JobStage& stage) {
  if (stage.outcome == protocol::StageOutcome::timed_out)
    return fmt::format("the stage {} ran longer than it may and was stopped after {} s", stage.name,
                       stage.duration_ms / 1000);
  if (stage.signal != 0) return fmt::format("the stage {} was ended by signal {}", stage.name, stage.signal);
  return fmt::format("the stage {} exited with {}", stage.name, stage.exit_code);
}

std::string describe_failure(const ReportedJob& reported) {
  for (const store::JobStage& stage : reported.stages)
    if (stage.outcome == protocol::StageOutcome::failed || stage.outcome == protocol::StageOutcome::timed_out)
      return describe_stage(stage) + ": read its log";
  return reported.job.outcome_text.empty() ? "a stage failed" : reported.job.outcome_text;
}

void put_first(contract::Report& report, contract::Verdict verdict, const char* id, std::string text) {
  contract::Cause cause;
  cause.id = id;
  cause.text = std::move(text);
  for (const contract::ClauseResult& clause : report.clauses) {
    if (clause.outcome != contract::Outcome::inconclusive) continue;
    cause.clauses.push_back(clause.id);
    ++cause.explains;
  }
  report.causes.insert(report.causes.begin(), std::move(cause));
  report.verdict = verdict;
}

// What the contract cannot see: how the stages ended, and what was not stored.
void add_outcome(contract::Report& report, const ReportedJob& reported) {
  const protocol::JobOutcome outcome = reported.job.outcome.value_or(protocol::JobOutcome::completed);
  if (reported.job.events_cut) {
    put_first(report, contract::Verdict::inconclusive, "events_cut",
              fmt::format("the job sent more than {} MB of events; what came after that was not stored",
                          store::kEventBytesMax >> 20U));
  } else if (outcome != protocol::JobOutcome::completed && report.verdict != contract::Verdict::fail) {
    const bool timed_out = outcome == protocol::JobOutcome::timed_out;
    put_first(report, contract::Verdict::fail, timed_out ? "stage_timed_out" : "stage_failed",
              describe_failure(reported));
  }
}

store::RunVerdict verdict_of(contract::Verdict verdict) {
  if (verdict == contract::Verdict::pass) return store::RunVerdict::pass;
  return verdict == contract::Verdict::fail ? store::RunVerdict::fail : store::RunVerdict::inconclusive;
}

std::string reason_of(const contract::Report& report) {
  if (report.verdict == contract::Verdict::pass) return "";
  if (!report.causes.empty()) return report.causes.front().text;
  const auto wanted =
      report.verdict == contract::Verdict::fail ? contract::Outcome::fail : contract::Outcome::inconclusive;
  for (const contract::ClauseResult& clause : report.clauses)
    if (clause.outcome == wanted) return clause.id + ": " + clause.reason;
  return "";
}

store::JobVerdict judge_events(const ReportedJob& reported, store::JobView& view) {
  JobTimeline timeline;
  const contract::Facts facts = fold_all(reported.events, timeline);
  contract::Report report = contract::judge(facts, policy_of(reported));
  add_outcome(report, reported);
  store::JobVerdict verdict;
  verdict.verdict = verdict_of(report.verdict);
  const bool passed = report.verdict == contract::Verdict::pass;
  verdict.first_cause = passed || report.causes.empty() ? "" : report.causes.front().id;
  verdict.reason = reason_of(report);
  verdict.emulated = report.summary.emulated.value_or(false);
  verdict.initial_loss = report.summary.initial_loss;
  verdict.final_loss = report.summary.final_loss;
  verdict.steps = static_cast<std::int64_t>(report.summary.steps);
  verdict.facts_json = contract::to_json(facts).dump();
  verdict.report_json = contract::to_json(report).dump();
  view = view_of(facts, report, timeline);
  return verdict;
}

}  // namespace

JudgedJob judge(const ReportedJob& reported) {
  JudgedJob judged{reported.job.id, reported.job.attempt, {}, {}};
  try {
    judged.verdict = judge_events(reported, judged.view.emplace());
  } catch (const std::exception& error) {  // one job that cannot be judged must not keep the others waiting
    judged.view.reset();
    judged.verdict.first_cause = "judging_failed";
    judged.verdict.reason = fmt::format("the coordinator could not judge the job: {}", error.what());
    judged.verdict.facts_json = judged.verdict.report_json = "{}";
  }
  return judged;
}

}  // namespace smgate::verdict
