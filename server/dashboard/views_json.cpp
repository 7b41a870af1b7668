#include "server/dashboard/views_json.hpp"

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
          {"log_bytes", job.log_bytes},
          {"log_dropped_at", time_or_null(job.raw_dropped_ms)}};
}

json stage_fields(const store::JobStage& stage) {
  return {{"name", stage.name},
          {"outcome", stage.outcome ? json(protocol::to_string(*stage.outcome)) : json()},
          {"exit_code", stage.exit_code},
          {"signal", stage.signal},
          {"duration_ms", stage.duration_ms},
          {"began_at", to_rfc3339(stage.began_ms)}};
}

}  // namespace

json counts_json(const store::KeyCounts& counts) {
  return {{"warmed", counts.warmed},     {"used", counts.used},
          {"missing", counts.missing},   {"drifted", counts.drifted},
          {"collided", counts.collided}, {"skipped", counts.skipped},
          {"unused", counts.unused},     {"late_compiles", counts.late_compiles}};
}

json to_json(const std::optional<store::JobStats>& stats) {
  if (!stats) return json();
  json value = counts_json(stats->keys);
  value["tokens_per_s"] = value_or_null(stats->tokens_per_s);
  value["prewarm_ms"] = value_or_null(stats->prewarm_ms);
  value["cache_bytes"] = stats->cache_bytes;
  return value;
}

json to_json(const store::Job& job) { return job_fields(job); }

json without_report(const store::JobDetail& detail) {
  json job = job_fields(detail.job);
  job["guilty_key"] = detail.stats ? text_or_null(detail.stats->guilty_key) : json();
  job["stats"] = to_json(detail.stats);
  job["stages"] = json::array();
  for (const store::JobStage& stage : detail.stages) job["stages"].push_back(stage_fields(stage));
  return job;
}

json to_json(const store::TrendPoint& point) {
  const store::Job& job = point.job;
  return {{"run", job.run.value},
          {"job", job.id.value},
          {"commit", point.commit.value},
          {"arch", job.arch.value},
          {"ended_at", to_rfc3339(job.ended_ms.value_or(job.queued_ms))},
          {"verdict", name_or_null(job.verdict)},
          {"emulated", job.emulated},
          {"initial_loss", number_or_null(job.initial_loss)},
          {"final_loss", number_or_null(job.final_loss)},
          {"stats", to_json(std::optional(point.stats))}};
}

json to_json(const store::RunSummary& summary) {
  json run = run_fields(summary.run);
  run["jobs"] = json::array();
  for (const store::Job& job : summary.jobs) run["jobs"].push_back(job_fields(job));
  return run;
}

json without_jobs(const store::RunDetail& detail) {
  json run = run_fields(detail.run);
  run["triggers"] = json::array();
  for (const store::Trigger& trigger : detail.triggers)
    run["triggers"].push_back({{"delivery", trigger.delivery.value},
                               {"event", trigger.event},
                               {"ref", trigger.ref},
                               {"pull_request", value_or_null(trigger.pull_request)}});
  run["history"] = json::array();
  for (const store::PastVerdict& past : detail.history)
    run["history"].push_back({{"verdict", to_string(past.verdict)},
                              {"first_cause", text_or_null(past.first_cause)},
                              {"reason", past.reason},
                              {"ended_at", to_rfc3339(past.ended_ms)}});
  run["actions"] = json::array();
  for (const store::Action& action : detail.actions)
    run["actions"].push_back({{"kind", to_string(action.kind)},
                              {"arch", text_or_null(action.arch)},
                              {"actor", action.actor},
                              {"at", to_rfc3339(action.at_ms)}});
  return run;
}

json to_json(const store::Runner& runner, bool online, int busy_slots) {
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
          {"drained", runner.drained},
          {"revoked", runner.revoked},
          {"host", value_or_null(runner.host)},
          {"version", value_or_null(runner.version)},
          {"device", std::move(device)},
          {"slots", runner.slots},
          {"busy_slots", busy_slots},
          {"created_at", to_rfc3339(runner.created_ms)},
          {"last_seen_at", time_or_null(runner.last_seen_ms)}};
}

}  // namespace smgate::dashboard
