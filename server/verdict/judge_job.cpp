// Events into facts into a verdict. The pure half of verdict.hpp.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "common/contract/fold.hpp"
#include "common/contract/job_facts.hpp"
#include "common/contract/judge.hpp"
#include "common/contract/outcome.hpp"
#include "common/contract/signature.hpp"
#include "server/verdict/job_view.hpp"
#include "server/verdict/report_words.hpp"
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

contract::JobFacts fold_all(const std::vector<store::EventFile>& files, JobTimeline& timeline) {
  contract::JobFacts facts;
  std::map<std::string, std::vector<const store::EventFile*>> parts;
  for (const store::EventFile& file : files) parts[file.part].push_back(&file);
  for (const auto& [name, part_files] : parts) {
    const Result<contract::Facts*> part = contract::part(facts, name);
    if (!part) throw std::runtime_error(part.error().text());  // the protocol lets no other name in
    std::vector<contract::EventSource> sources;
    for (const store::EventFile* file : part_files) sources.push_back(events_of(*file, **part));
    const bool main = name == contract::kPartMain;  // what the dashboard shows is the run itself
    contract::merge(std::move(sources), [&](const contract::Event& event) {
      contract::fold(**part, event);
      if (main) timeline.see(event);
    });
  }
  return facts;
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

void add_outcome(contract::Report& report, const ReportedJob& reported) {
  const protocol::JobOutcome outcome = reported.job.outcome.value_or(protocol::JobOutcome::completed);
  if (reported.job.events_cut)
    contract::add_cut_record(report,
                             fmt::format("the job sent more than {} MB of events; what came after that was not stored",
                                         store::kEventBytesMax >> 20U));
  else
    contract::add_outcome(report, outcome, describe_failure(reported));
}

// What a failing job shares with the earlier failures of its branch.
void look_back(contract::Report& report, const contract::Facts& facts, const ReportedJob& reported,
               store::JobVerdict& verdict) {
  if (report.verdict != contract::Verdict::fail) return;
  verdict.failure = contract::failure_sign(facts, report);
  std::vector<contract::FailureSign> failures = reported.earlier_failures;
  failures.push_back(*verdict.failure);
  report.resemblance = contract::resemblance(failures);
}

std::string reason_of_job(const contract::Report& report) {
  const bool signal = report.resemblance && report.resemblance->signal;
  return reason_of(report) + (signal ? "; " + report.resemblance->text : "");
}

store::JobVerdict judge_events(const ReportedJob& reported, store::JobView& view) {
  JobTimeline timeline;
  const contract::JobFacts facts = fold_all(reported.events, timeline);
  contract::Report report = contract::judge(facts, policy_from(reported.policy_json));
  add_outcome(report, reported);
  store::JobVerdict verdict;
  look_back(report, facts.main, reported, verdict);
  verdict.verdict = verdict_of(report.verdict);
  verdict.first_cause = first_cause_of(report);
  verdict.reason = reason_of_job(report);
  verdict.emulated = report.summary.emulated.value_or(false);
  verdict.initial_loss = report.summary.initial_loss;
  verdict.final_loss = report.summary.final_loss;
  verdict.steps = static_cast<std::int64_t>(report.summary.steps);
  verdict.facts_json = contract::to_json(facts).dump();
  verdict.report_json = contract::to_json(report).dump();
  view = view_of(facts.main, report, timeline);
  view.curve = {reported.curve.total, curves::points_text(reported.curve.points)};
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
