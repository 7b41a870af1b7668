#include "server/dashboard/views_json.hpp"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "common/clock.hpp"

namespace smgate::dashboard {
namespace {

using nlohmann::json;

json text_or_null(const std::string& text) { return text.empty() ? json() : json(text); }

template <class T>
json value_or_null(const std::optional<T>& value) {
  return value ? json(*value) : json();
}

json time_or_null(const std::optional<std::int64_t>& unix_ms) { return unix_ms ? json(to_rfc3339(*unix_ms)) : json(); }

json number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return value;
}

json number_or_null(const std::optional<double>& value) { return value ? number(*value) : json(); }

// A float seen as a double would print digits that it never had: 0.1f as 0.10000000149011612.
json number_or_null(const std::optional<float>& value) {
  if (!value) return json();
  if (!std::isfinite(*value)) return number(*value);
  char digits[32];
  const auto written = std::to_chars(digits, digits + sizeof(digits), *value);
  double same_digits = 0;
  std::from_chars(digits, written.ptr, same_digits);
  return same_digits;
}

template <class Enum>
json name_or_null(const std::optional<Enum>& value) {
  return value ? json(to_string(*value)) : json();
}

json base_rule(store::BaseRule rule) {
  switch (rule) {
    case store::BaseRule::exact:
      return "exact";
    case store::BaseRule::merge_base:
      return "merge_base";
    case store::BaseRule::none:
      return "none";
  }
  return json();
}

json run_fields(const store::Run& run) {
  json required = json::array();
  for (const Arch& arch : run.required) required.push_back(arch.value);
  return {{"id", run.id.value},
          {"repository", run.repository},
          {"commit", run.head_sha.value},
          {"base_commit", text_or_null(run.base_sha.value)},
          {"base_rule", base_rule(run.base_rule)},
          {"policy_commit", text_or_null(run.policy_sha.value)},
          {"bootstrap", run.bootstrap},
          {"branch", run.branch},
          {"ref", run.ref},
          {"pull_request", value_or_null(run.pull_request)},
          {"state", to_string(run.state)},
          {"verdict", name_or_null(run.verdict)},
          {"first_cause", text_or_null(run.first_cause)},
          {"reason", run.reason},
          {"required", std::move(required)},
          {"created_at", to_rfc3339(run.created_ms)},
          {"updated_at", to_rfc3339(run.updated_ms)},
          {"ended_at", time_or_null(run.ended_ms)}};
}

json job_fields(const store::Job& job) {
  return {{"id", job.id.value},
          {"arch", job.arch.value},
          {"state", to_string(job.state)},
          {"attempt", job.attempt},
          {"attempt_cap", job.attempt_cap},
          {"runner", text_or_null(job.runner.value)},
          {"emulated", job.emulated},
          {"verdict", name_or_null(job.verdict)},
          {"first_cause", text_or_null(job.first_cause)},
          {"reason", job.reason},
          {"outcome", job.outcome ? json(protocol::to_string(*job.outcome)) : json()},
          {"outcome_text", job.outcome_text},
          {"queued_at", to_rfc3339(job.queued_ms)},
          {"started_at", time_or_null(job.started_ms)},
          {"ended_at", time_or_null(job.ended_ms)},
          {"initial_loss", number_or_null(job.initial_loss)},
          {"final_loss", number_or_null(job.final_loss)},
          {"steps", value_or_null(job.steps)},
          {"log_bytes", job.log_bytes}};
}

json stage_fields(const store::JobStage& stage) {
  return {{"name", stage.name},
          {"outcome", stage.outcome ? json(protocol::to_string(*stage.outcome)) : json()},
          {"exit_code", stage.exit_code},
          {"signal", stage.signal},
          {"duration_ms", stage.duration_ms},
          {"began_at", to_rfc3339(stage.began_ms)}};
}

json report_of(const std::optional<std::string>& text) { return text ? json::parse(*text, nullptr, false) : json(); }

json job_detail(const store::JobDetail& detail) {
  json job = job_fields(detail.job);
  job["stages"] = json::array();
  for (const store::JobStage& stage : detail.stages) job["stages"].push_back(stage_fields(stage));
  const json report = detail.report ? report_of(detail.report->report_json) : json();
  for (const char* part : {"causes", "findings", "warnings", "clauses"})
    job[part] = report.is_object() && report.contains(part) ? report[part] : json::array();
  job["resemblance"] = report.is_object() && report.contains("resemblance") ? report["resemblance"] : json();
  return job;
}

}  // namespace

json to_json(const store::RunSummary& summary) {
  json run = run_fields(summary.run);
  run["jobs"] = json::array();
  for (const store::Job& job : summary.jobs) run["jobs"].push_back(job_fields(job));
  return run;
}

json to_json(const store::RunDetail& detail) {
  json run = run_fields(detail.run);
  run["triggers"] = json::array();
  for (const store::Trigger& trigger : detail.triggers)
    run["triggers"].push_back({{"delivery", trigger.delivery.value},
                               {"event", trigger.event},
                               {"ref", trigger.ref},
                               {"pull_request", value_or_null(trigger.pull_request)}});
  run["jobs"] = json::array();
  for (const store::JobDetail& job : detail.jobs) run["jobs"].push_back(job_detail(job));
  run["report"] = report_of(detail.report_json);
  return run;
}

json to_json(const store::Runner& runner, bool online) {
  json device;
  if (runner.device)
    device = {{"name", runner.device->name},
              {"memory_bytes", runner.device->memory_bytes},
              {"unified", runner.device->unified},
              {"emulated", runner.device->emulated}};
  return {{"name", runner.name.value},
          {"arch", runner.arch.value},
          {"online", online},
          {"draining", runner.draining},
          {"revoked", runner.revoked},
          {"host", value_or_null(runner.host)},
          {"version", value_or_null(runner.version)},
          {"device", std::move(device)},
          {"slots", runner.slots},
          {"created_at", to_rfc3339(runner.created_ms)},
          {"last_seen_at", time_or_null(runner.last_seen_ms)}};
}

json columns_of(const std::vector<store::CurvePoint>& points) {
  json step = json::array(), loss = json::array(), ce = json::array(), kl = json::array(), norm = json::array(),
       ms = json::array(), tokens = json::array();
  for (const store::CurvePoint& point : points) {
    step.push_back(point.step);
    loss.push_back(number_or_null(point.loss));
    ce.push_back(number_or_null(point.ce));
    kl.push_back(number_or_null(point.kl));
    norm.push_back(number_or_null(point.grad_norm));
    ms.push_back(number_or_null(point.ms));
    tokens.push_back(value_or_null(point.tokens));
  }
  return {{"step", std::move(step)},    {"loss", std::move(loss)},      {"ce", std::move(ce)},
          {"kl", std::move(kl)},        {"grad_norm", std::move(norm)}, {"ms", std::move(ms)},
          {"tokens", std::move(tokens)}};
}

}  // namespace smgate::dashboard
