#include "server/source/source.hpp"

#include <spdlog/fmt/fmt.h>

#include "common/digest.hpp"

namespace smgate::source {
namespace {

// owner/name as one folder name; the digest keeps "a/b-c" and "a-b/c" apart.
std::filesystem::path mirror_folder(const SourceTask& task, const SourceConfig& config) {
  return config.mirrors / (sha256_hex(task.repository + "\n" + task.clone_url).substr(0, 32) + ".git");
}

Result<std::optional<CommitSha>> base_commit(const SourceTask& task, GitMirror& mirror) {
  std::optional<CommitSha> base = task.base;
  if (task.base_kind == BaseKind::exact && !base) return base;
  if (base) {
    if (const Result<void> fetched = mirror.fetch(*base, "", 0); !fetched) return fetched.error();
  } else {
    const Result<CommitSha> tip = mirror.fetch_branch(task.default_branch);
    if (!tip) return tip.error();
    base = *tip;
  }
  if (task.base_kind == BaseKind::exact) return base;
  return mirror.merge_base(*base, task.head);
}

Result<std::optional<GateText>> read_gate(GitMirror& mirror, const CommitSha& commit) {
  Result<std::optional<std::string>> text = mirror.read(commit, std::string(kGateFileName), kGateFileBytesMax);
  if (!text) return text.error();
  if (!*text) return std::optional<GateText>{};
  GateText gate{commit, sha256_hex(**text), std::move(**text)};
  return std::optional<GateText>(std::move(gate));
}

std::string origin(const char* which, const CommitSha& commit) {
  return fmt::format("{} at {} {}", kGateFileName, which, commit.value.substr(0, 12));
}

SourceResult plan(GateText head, std::optional<GateText> base) {
  const Result<GateFile> head_gate = parse_gate_file(head.text, origin("head", head.commit));
  if (!head_gate) return InvalidGate{head_gate.error().text()};
  std::optional<GateFile> base_gate;
  if (base) {
    Result<GateFile> parsed = parse_gate_file(base->text, origin("base", base->commit));
    if (!parsed) return InvalidGate{parsed.error().text()};
    base_gate = std::move(*parsed);
  }
  return Planned{combine(base_gate, *head_gate), std::move(head), std::move(base)};
}

}  // namespace

SourceResult fetch_gate_files(const SourceTask& task, const SourceConfig& config) {
  Result<GitMirror> mirror = GitMirror::open(mirror_folder(task, config), task.clone_url, config.limits);
  if (!mirror) return Unavailable{mirror.error().text()};
  if (const Result<void> fetched = mirror->fetch(task.head, task.head_ref, 0); !fetched)
    return Unavailable{fetched.error().text()};
  const Result<std::optional<CommitSha>> base = base_commit(task, *mirror);
  if (!base) return Unavailable{base.error().text()};

  Result<std::optional<GateText>> head_text = read_gate(*mirror, task.head);
  if (!head_text) return InvalidGate{head_text.error().text()};
  if (!*head_text)
    return InvalidGate{fmt::format("{}: is not there; add one: the README shows how", origin("head", task.head))};
  std::optional<GateText> base_text;
  if (*base) {
    Result<std::optional<GateText>> read = read_gate(*mirror, **base);
    if (!read) return InvalidGate{read.error().text()};
    base_text = std::move(*read);
  }
  return plan(std::move(**head_text), std::move(base_text));
}

}  // namespace smgate::source
