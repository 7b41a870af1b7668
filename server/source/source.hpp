// The stage between a wished-for run and its jobs: fetches the gate file at base and head of the run, and says what the
// run goes by. Blocking git; called on a worker thread, one call a repository at a time. Its rows: source_steps.hpp.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <variant>

#include "common/gate/gate_file.hpp"
#include "common/git.hpp"
#include "common/ids.hpp"
#include "server/store/runs.hpp"

namespace smgate::source {

struct SourceTask {
  RunId run;
  std::string clone_url;
  CommitSha head;
  std::string head_ref;  // refs/heads/x or refs/pull/7/head; may be empty
  CommitSha base;        // what the webhook named; empty: the tip of default_branch, where the rule wants one
  store::BaseRule rule = store::BaseRule::none;
  std::string default_branch;
  int attempts = 0;  // before this one
  GitAccess access{};
};

struct SourceConfig {
  std::filesystem::path mirrors;  // a folder a repository
  GitLimits limits;
};

// A gate file as it stood in a commit.
struct GateText {
  CommitSha commit;
  std::string text;
};

struct Planned {
  GatePlan plan;
  GateText head;
  CommitSha policy_commit;       // whose policy counts; empty: there is no base
  std::optional<GateText> base;  // absent: no base, or no gate file there
};
// The run's verdict is inconclusive, its cause gate_file_invalid.
struct InvalidGate {
  std::string text;
};
// The repository could not be read: worth another try.
struct Unavailable {
  std::string text;
};
using SourceResult = std::variant<Planned, InvalidGate, Unavailable>;

SourceResult fetch_gate_files(const SourceTask& task, const SourceConfig& config);

}  // namespace smgate::source
