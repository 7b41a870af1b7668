#include "server/source/source.hpp"

#include <spdlog/fmt/fmt.h>

#include "common/digest.hpp"

namespace smgate::source {
namespace {

// An address as one folder name.
std::filesystem::path mirror_folder(const SourceTask& task, const SourceConfig& config) {
  return config.mirrors / (sha256_hex(task.clone_url).substr(0, 32) + ".git");
}

// Empty: the run has no base.
Result<CommitSha> policy_commit(const SourceTask& task, GitMirror& mirror) {
  if (task.rule == store::BaseRule::none) return CommitSha{};
  CommitSha base = task.base;
  if (base.empty()) {
    Result<CommitSha> tip = mirror.fetch_branch(task.default_branch);
    if (!tip) return tip.error();
    base = std::move(*tip);
  } else if (const Result<void> fetched = mirror.fetch(base, "", 0); !fetched) {
    return fetched.error();
  }
  if (task.rule == store::BaseRule::exact) return base;
  const Result<std::optional<CommitSha>> merge_base = mirror.merge_base(base, task.head);
  if (!merge_base) return merge_base.error();
  return merge_base->value_or(CommitSha{});
}

Result<std::optional<GateText>> read_gate(GitMirror& mirror, const CommitSha& commit) {
  Result<std::optional<std::string>> text = mirror.read(commit, std::string(kGateFileName), kGateFileBytesMax);
  if (!text) return text.error();
  if (!*text) return std::optional<GateText>{};
  GateText gate{commit, std::move(**text)};
  return std::optional<GateText>(std::move(gate));
}

std::string origin(const char* which, const CommitSha& commit) {
  return fmt::format("{} at {} {}", kGateFileName, which, commit.value.substr(0, 12));
}

SourceResult plan(GateText head, CommitSha policy, std::optional<GateText> base) {
  const Result<GateFile> head_gate = parse_gate_file(head.text, origin("head", head.commit));
  if (!head_gate) return InvalidGate{head_gate.error().text()};
  std::optional<GateFile> base_gate;
  if (base) {
    Result<GateFile> parsed = parse_gate_file(base->text, origin("base", base->commit));
    if (!parsed) return InvalidGate{parsed.error().text()};
    base_gate = std::move(*parsed);
  }
  return Planned{combine(base_gate, *head_gate), std::move(head), std::move(policy), std::move(base)};
}

}  // namespace

SourceResult fetch_gate_files(const SourceTask& task, const SourceConfig& config) {
  Result<GitMirror> mirror = GitMirror::open(mirror_folder(task, config), task.clone_url, config.limits, task.access);
  if (!mirror) return Unavailable{mirror.error().text()};
  if (const Result<void> fetched = mirror->fetch(task.head, task.head_ref, 0); !fetched)
    return Unavailable{fetched.error().text()};
  Result<CommitSha> policy = policy_commit(task, *mirror);
  if (!policy) return Unavailable{policy.error().text()};

  Result<std::optional<GateText>> head = read_gate(*mirror, task.head);
  if (!head) return InvalidGate{head.error().text()};
  if (!*head)
    return InvalidGate{fmt::format("{}: is not there; add one: the README shows how", origin("head", task.head))};
  std::optional<GateText> base;
  if (!policy->empty()) {
    Result<std::optional<GateText>> read = read_gate(*mirror, *policy);
    if (!read) return InvalidGate{read.error().text()};
    base = std::move(*read);
  }
  return plan(std::move(**head), std::move(*policy), std::move(base));
}

}  // namespace smgate::source
