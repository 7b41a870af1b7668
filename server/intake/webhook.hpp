// GitHub's webhooks as values. Pure: no clock, no store, no network; any thread.
// (https://docs.github.com/en/webhooks/webhook-events-and-payloads)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

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

enum class PullAction { opened, synchronize, reopened, closed };
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

struct Ignored {
  std::string reason;
  bool operator==(const Ignored&) const = default;
};

using Webhook = std::variant<Push, PullRequestEvent, Ignored>;

// `event` is X-GitHub-Event. What smgate has no use for is Ignored with the reason; an error names the field, by JSON
// pointer, that is missing or wrong.
Result<Webhook> parse_webhook(std::string_view event, std::string_view payload);

bool is_all_zeros(const CommitSha& sha);  // how GitHub writes "no commit"

}  // namespace smgate::intake
