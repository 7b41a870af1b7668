// From rows to the bodies that GitHub's Checks API takes: one check for each architecture, and one, `smgate`, for all:
// the one to require. Pure: no clock, no store, no network; any thread.
//   (https://docs.github.com/en/rest/checks/runs)
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "server/store/curves.hpp"
#include "server/store/runs.hpp"

namespace smgate::reporter {

inline constexpr std::size_t kAnnotationsPerCall = 50;  // GitHub's own cap
inline constexpr std::size_t kAnnotationsMax = 200;     // of a check: what a person still reads, in four calls

struct JobView {
  store::Job job;
  nlohmann::json report;  // by report.schema.json; null where there is none
  std::vector<store::CurvePoint> curve;
};
struct RunView {
  store::Run run;
  std::vector<JobView> jobs;  // by architecture
  nlohmann::json blame;       // null where there is none
  std::string public_url;     // without a slash at its end; empty: GitHub cannot reach this server
  bool pictures = true;       // false: GitHub would be asked for a token
};

enum class Phase { queued, in_progress, completed };

struct Check {
  std::string name;
  Phase phase = Phase::queued;
  std::string conclusion;  // empty until completed
  std::string title;
  // Fields of the API's body but for head_sha and external_id: name, status, conclusion, times, details_url, output
  // (title, summary, text), actions.
  nlohmann::json body;
  std::vector<nlohmann::json> annotations;  // not in the body; GitHub appends them, so each is sent once
};

// The gate's check first.
std::vector<Check> render_checks(const RunView& view);
// For a check of an architecture that the commit's run no longer has: it must not stay open.
Check render_dropped(const std::string& name);
// At most kAnnotationsPerCall each, in their order.
std::vector<nlohmann::json> batches(const std::vector<nlohmann::json>& annotations);

// An answer to `/smgate explain`, as a comment.
std::string explanation(const RunView& view, const std::string& actor);

// Parts of the above, in files of their own.
std::vector<nlohmann::json> annotations_of(const JobView& job);
std::string summary_of_run(const RunView& view);
std::string text_of_run(const RunView& view);
std::string summary_of_job(const RunView& view, const JobView& job);
std::string text_of_job(const JobView& job);

}  // namespace smgate::reporter
