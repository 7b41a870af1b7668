// The stage between a wished-for run and its jobs: fetches the gate file at base and head of the run, and says what the
// run goes by. Blocking git; called on a worker thread, one call a repository at a time.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <variant>

#include "common/gate/gate_file.hpp"
#include "common/git.hpp"
#include "common/ids.hpp"

namespace smgate::source {

// Which commit's policy the run goes by.
enum class BaseKind {
  exact,       // a push to the default branch: `before`
  merge_base,  // a pull request: the merge base of its base and its head; any other branch: that of the default branch
};

struct SourceTask {
  RunId run;
  std::string repository;  // owner/name
  std::string clone_url;
  CommitSha head;
  std::string head_ref;           // refs/heads/x or refs/pull/7/head; may be empty
  std::optional<CommitSha> base;  // absent: none yet, or the tip of default_branch where the kind is merge_base
  BaseKind base_kind = BaseKind::exact;
  std::string default_branch;
};

struct SourceConfig {
  std::filesystem::path mirrors;  // a folder a repository
  GitLimits limits;
};

// A gate file as it stood in a commit; kept under its digest.
struct GateText {
  CommitSha commit;
  std::string digest;  // SHA-256 of the text, hex
  std::string text;
};

struct Planned {
  GatePlan plan;
  GateText head;
  std::optional<GateText> base;
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
