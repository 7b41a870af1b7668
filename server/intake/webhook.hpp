// GitHub's webhooks as values. Pure: no clock, no store, no network; any thread.
// (https://docs.github.com/en/webhooks/webhook-events-and-payloads)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/ids.hpp"
#include "common/result.hpp"

namespace smgate::intake {

inline constexpr std::size_t kPayloadBytesMax = 25U << 20U;  // GitHub's own cap: it delivers nothing larger

// X-Hub-Signature-256: "sha256=" and the HMAC of the raw body, in lower-case hex. Time depends on lengths alone.
bool verify_signature(std::string_view secret, std::string_view raw_body, std::string_view header);

struct RepositoryRef {
  std::string full_name;
  std::string clone_url;
  std::string default_branch;
  std::optional<std::int64_t> installation;
  std::optional<bool> is_private{};
  bool operator==(const RepositoryRef&) const = default;
};

struct Push {  // of a branch that is there afterwards
  RepositoryRef repository;
  std::string branch;  // without refs/heads/
  CommitSha before;    // all zeros for a new branch
  CommitSha after;
  std::int64_t pushed_ms = 0;  // GitHub's time, whole seconds
  bool operator==(const Push&) const = default;
};

// retargeted: an edit that gave it another base, and with it another policy.
enum class PullAction { opened, synchronize, reopened, ready_for_review, retargeted, closed };
struct PullRequestEvent {
  RepositoryRef repository;  // the base's
  PullAction action = PullAction::opened;
  std::int64_t number = 0;
  std::string head_repository;  // empty where the fork was deleted
  std::string head_branch;
  CommitSha head;
  std::string base_branch;
  CommitSha base;
  std::int64_t updated_ms = 0;        // GitHub's time, whole seconds
  std::optional<CommitSha> previous;  // of synchronize: the head before
  bool operator==(const PullRequestEvent&) const = default;

  bool from_fork() const { return head_repository != repository.full_name; }
};

struct MergeGroup {
  RepositoryRef repository;
  bool destroyed = false;  // merged, invalidated or dequeued; else its checks are asked for
  std::string why;         // of the destruction
  std::string ref;         // refs/heads/gh-readonly-queue/...
  CommitSha head;
  CommitSha base;
  bool operator==(const MergeGroup&) const = default;
};

// Somebody pressed a button of a check, or of all checks of a commit.
struct CheckRequest {
  enum class Wish { rerun, approve };
  RepositoryRef repository;
  Wish wish = Wish::rerun;
  CommitSha head;
  std::string check;  // its name; empty: all of the commit
  std::string actor;
  std::string permission{};  // of the actor, where GitHub was asked: admin, write, read or none
  bool operator==(const CheckRequest&) const = default;
};

// A line `/smgate COMMAND` in a comment of a pull request.
struct CommentCommand {
  enum class Command { rerun, approve, explain };
  RepositoryRef repository;
  std::int64_t pull_request = 0;
  Command command = Command::explain;
  std::string commit_prefix;  // `/smgate approve 1a2b3c4`; else empty
  std::string actor;
  std::string association;  // GitHub's author_association: OWNER, MEMBER, COLLABORATOR, ...
  std::int64_t created_ms = 0;
  std::string permission{};  // as above
  bool operator==(const CommentCommand&) const = default;
};

// The App may read these repositories from now on, or may no longer.
struct InstallationChange {
  std::int64_t installation = 0;
  std::string action;
  bool whole = false;  // not these repositories, but all that the installation has
  std::vector<std::string> added, removed;
  bool operator==(const InstallationChange&) const = default;
};

struct Ignored {
  std::string reason;
  bool operator==(const Ignored&) const = default;
};

using Webhook =
    std::variant<Push, PullRequestEvent, MergeGroup, CheckRequest, CommentCommand, InstallationChange, Ignored>;

// `event` is X-GitHub-Event. What smgate has no use for is Ignored with the reason; an error names the field, by JSON
// pointer, that is missing or wrong.
Result<Webhook> parse_webhook(std::string_view event, std::string_view payload);

// Which repository it is about; null: none in particular.
const RepositoryRef* repository_of(const Webhook& webhook);

bool is_all_zeros(const CommitSha& sha);  // how GitHub writes "no commit"

}  // namespace smgate::intake
