#include "runner/ask/explain.hpp"

#include <spdlog/fmt/fmt.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string_view>

namespace smgate::ask {
namespace {

using nlohmann::json;

constexpr std::size_t kEvidenceShown = 5;

// What to do about a cause. One that is not here speaks for itself.
const std::map<std::string, const char*, std::less<>>& advice() {
  static const std::map<std::string, const char*, std::less<>> all = {
      {"prewarm_key_collision", "give every pre-warmed body its own key: the pre-warm call ignores or reuses its key"},
      {"prewarm_key_drift", "build the pre-warm's keys from the values that run time uses; the tokens are named above"},
      {"prewarm_missing", "add the missing keys to the pre-warm"},
      {"prewarm_skipped", "look why the pre-warm of this scope returned early"},
      {"prewarm_waste", "take what nothing uses out of the pre-warm, or declare it in the gate file with a reason"},
      {"prewarm_body_mismatch", "build the pre-warmed body from the same values as its key"},
      {"cache_silent", "report every cache event: schemas/event.schema.json, or name an adapter in the gate file"},
      {"workspace_over_budget", "size the workspace by what the run needs, not by the model's limits"},
      {"weights_container_mismatch", "read the weights with the reader of their container; the magic tells it"},
      {"degenerate_batch", "train on a batch that can be learned: distinct inputs, one label for each"},
      {"stage_failed", "read the log: smgate-runner logs"},
      {"stage_timed_out", "read the log: smgate-runner logs; or give the stage more time in the gate file"}};
  return all;
}

std::string text_of(const json& value, const char* field) {
  const auto found = value.find(field);
  return found != value.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string evidence_of(const json& job, const std::string& cause) {
  std::string text;
  std::size_t shown = 0, more = 0;
  for (const json& finding : job["findings"]) {
    if (text_of(finding, "explained_by") != cause) continue;
    if (++shown > kEvidenceShown) {
      ++more;
      continue;
    }
    text += fmt::format("    {} {}", text_of(finding, "clause"), text_of(finding, "message"));
    if (!finding["evidence"].empty())
      if (const std::string at = text_of(finding["evidence"][0], "at"); !at.empty()) text += " (" + at + ")";
    text += "\n";
  }
  return more > 0 ? text + fmt::format("    and {} more\n", more) : text;
}

std::string explain_job(const json& job) {
  const std::string verdict = text_of(job, "verdict");
  std::string text = fmt::format("{}: {}\n", text_of(job, "arch"), verdict.empty() ? text_of(job, "state") : verdict);
  if (verdict == "pass") return text;
  if (job["causes"].empty() && !text_of(job, "reason").empty()) text += "  " + text_of(job, "reason") + "\n";
  if (const std::string key = text_of(job, "guilty_key"); !key.empty()) text += "  guilty key: " + key + "\n";
  for (const json& cause : job["causes"]) {
    const std::string id = text_of(cause, "id");
    text += fmt::format("  cause: {}: {}\n", id, text_of(cause, "text"));
    if (const std::string upstream = text_of(cause, "consequence_of"); !upstream.empty())
      text += "    follows from " + upstream + "\n";
    text += evidence_of(job, id);
    if (const auto found = advice().find(id); found != advice().end())
      text += fmt::format("    to do: {}\n", found->second);
  }
  return text;
}

}  // namespace

std::string explain(const json& run) {
  const std::string verdict = text_of(run, "verdict");
  std::string text =
      fmt::format("run {} of {} {} on {}: {}\n", text_of(run, "id"), text_of(run, "repository"),
                  text_of(run, "commit").substr(0, 12), text_of(run, "branch"), verdict.empty() ? text_of(run, "state") : verdict);
  if (run["jobs"].empty()) text += text_of(run, "reason") + "\n";
  for (const json& job : run["jobs"]) text += explain_job(job);
  return text;
}

}  // namespace smgate::ask
