#include "server/reporter/render.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/clock.hpp"
#include "server/reporter/text.hpp"
#include "server/store/check_names.hpp"

namespace smgate::reporter {
namespace {

using nlohmann::json;
using store::JobState;
using store::RunState;
using store::RunVerdict;

constexpr std::size_t kTitleBytesMax = 255;  // GitHub shows less; longer ones are refused in places

std::string conclusion_of(RunVerdict verdict) {
  // neutral and skipped would satisfy a required check; inconclusive must not.
  return verdict == RunVerdict::pass ? "success" : "failure";
}

std::string verdict_title(RunVerdict verdict, const std::string& first_cause, const std::string& pass) {
  if (verdict == RunVerdict::pass) return pass;
  const std::string what = verdict == RunVerdict::fail ? "Fail" : "Inconclusive";
  return first_cause.empty() ? what : what + ": " + first_cause;
}

json action(const char* label, const char* description, const char* identifier) {
  return {{"label", label}, {"description", description}, {"identifier", identifier}};
}

std::string_view status_name(Phase phase) {
  if (phase == Phase::queued) return "queued";
  return phase == Phase::in_progress ? "in_progress" : "completed";
}

// Attempts of the current series were begun: it does not go back to queued.
bool has_begun(const store::Job& job) {
  return job.state != JobState::queued || job.attempt_cap - job.attempt < store::kAttemptCap;
}

void set_phase(Check& check, const RunView& view) {
  const store::Run& run = view.run;
  if (run.state == RunState::done) {
    check.phase = Phase::completed;
    check.conclusion = conclusion_of(*run.verdict);
    check.title =
        verdict_title(*run.verdict, run.first_cause, fmt::format("Pass on {} architectures", view.jobs.size()));
  } else if (run.state == RunState::cancelled) {
    check.phase = Phase::completed;
    check.conclusion = "cancelled";
    check.title = "Cancelled";
  } else if (run.state == RunState::held) {
    check.phase = Phase::completed;
    check.conclusion = "action_required";
    check.title = "A maintainer must approve this head";
  } else if (std::any_of(view.jobs.begin(), view.jobs.end(), [](const JobView& one) { return has_begun(one.job); })) {
    check.phase = Phase::in_progress;
    check.title = "Running";
  } else {
    check.title = run.state == RunState::fetching ? "Reading the gate file" : "Waiting for a runner";
  }
}

void set_phase(Check& check, const store::Job& job) {
  if (job.state == JobState::done) {
    check.phase = Phase::completed;
    check.conclusion = conclusion_of(*job.verdict);
    check.title = verdict_title(*job.verdict, job.first_cause, "Pass");
  } else if (job.state == JobState::cancelled) {
    check.phase = Phase::completed;
    check.conclusion = "cancelled";
    check.title = "Cancelled";
  } else if (has_begun(job)) {
    check.phase = Phase::in_progress;
    check.title = job.state == JobState::queued ? "Waiting for another attempt" : "Running";
  } else {
    check.title = "Waiting for a runner";
  }
}

void set_time(json& body, const char* field, const std::optional<std::int64_t>& unix_ms) {
  if (unix_ms) body[field] = to_rfc3339(*unix_ms);
}

void fill_body(Check& check, const RunView& view, const std::string& summary, const std::string& text) {
  const std::string rest =
      view.public_url.empty() ? "\n(cut here: the API has all of it)\n" : "\n(cut here: the details have all of it)\n";
  check.title = cut_utf8(check.title, kTitleBytesMax);
  json output = {{"title", check.title}, {"summary", fit(summary, kOutputBytesMax, rest)}};
  if (!text.empty()) output["text"] = fit(text, kOutputBytesMax, rest);
  check.body["name"] = check.name;
  check.body["status"] = status_name(check.phase);
  check.body["output"] = std::move(output);
  if (!view.public_url.empty()) check.body["details_url"] = view.public_url + "/runs/" + view.run.id.value;
  if (check.phase != Phase::completed) return;
  check.body["conclusion"] = check.conclusion;
  check.body["actions"] = json::array();
  if (check.conclusion == "action_required")
    check.body["actions"].push_back(action("Approve this head", "Let this very commit of the fork run", "approve"));
  else
    check.body["actions"].push_back(action("Re-run", "Run this commit again", "rerun"));
}

Check gate_check(const RunView& view) {
  Check check;
  check.name = store::kGateCheck;
  set_phase(check, view);
  if (check.phase == Phase::completed) set_time(check.body, "completed_at", view.run.ended_ms);
  fill_body(check, view, summary_of_run(view), text_of_run(view));
  return check;
}

Check job_check(const RunView& view, const JobView& job) {
  Check check;
  check.name = store::check_name(job.job.arch);
  set_phase(check, job.job);
  set_time(check.body, "started_at", job.job.started_ms);
  if (check.phase == Phase::completed) set_time(check.body, "completed_at", job.job.ended_ms);
  fill_body(check, view, summary_of_job(view, job), text_of_job(job));
  if (job.job.state == JobState::done) check.annotations = annotations_of(job);
  return check;
}

}  // namespace

std::vector<Check> render_checks(const RunView& view) {
  std::vector<Check> checks = {gate_check(view)};
  if (view.run.state == RunState::held) return checks;
  for (const JobView& job : view.jobs) checks.push_back(job_check(view, job));
  return checks;
}

Check render_dropped(const std::string& name) {
  Check check;
  check.name = name;
  check.phase = Phase::completed;
  check.conclusion = "cancelled";
  check.title = "No longer part of this commit's run";
  check.body = {{"name", name},
                {"status", "completed"},
                {"conclusion", "cancelled"},
                {"output", {{"title", check.title}, {"summary", "The commit's run does not require this one."}}}};
  return check;
}

std::vector<json> batches(const std::vector<json>& annotations) {
  std::vector<json> all;
  for (const json& one : annotations) {
    if (all.empty() || all.back().size() == kAnnotationsPerCall) all.push_back(json::array());
    all.back().push_back(one);
  }
  return all;
}

std::string explanation(const RunView& view, const std::string& actor) {
  const std::string head = fmt::format("{}, of `{}`:\n\n", plain(actor), view.run.head_sha.value.substr(0, 12));
  return fit(head + summary_of_run(view) + "\n" + text_of_run(view), kOutputBytesMax, "\n(cut here)\n");
}

}  // namespace smgate::reporter
