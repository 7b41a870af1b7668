// Webhook payloads in GitHub's shape, as small as the fields that are read allow.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "tests/store/rows.hpp"

namespace smgate::test {

inline const std::string kNoCommit(40, '0');

inline nlohmann::json repository_json(const std::string& name = "acme/kernels") {
  return {{"id", 186853002},
          {"full_name", name},
          {"private", false},
          {"clone_url", "https://git.example/" + name + ".git"},
          {"default_branch", "main"}};
}

struct PushSpec {
  std::string branch = "main";
  std::string before = std::string(40, 'b');
  std::string after = std::string(40, 'a');
  std::int64_t pushed_s = 1'779'253'530;
};

inline nlohmann::json push_json(const PushSpec& spec) {
  nlohmann::json repository = repository_json();
  repository["pushed_at"] = spec.pushed_s;
  return {{"ref", "refs/heads/" + spec.branch},
          {"before", spec.before},
          {"after", spec.after},
          {"created", spec.before == kNoCommit},
          {"deleted", spec.after == kNoCommit},
          {"commits", {{{"id", spec.after}, {"message", "x"}}}},
          {"repository", repository}};
}

struct PullSpec {
  std::string action = "opened";
  int number = 7;
  std::string head = std::string(40, 'a');
  std::string base = std::string(40, 'b');
  std::string updated_at = "2026-05-20T05:05:30Z";
  std::string head_branch = "dev";
  std::optional<std::string> head_repository = "acme/kernels";  // absent: the fork was deleted
  std::optional<std::string> before = std::nullopt;             // of synchronize
};

inline nlohmann::json pull_json(const PullSpec& spec) {
  nlohmann::json head = {{"sha", spec.head}, {"ref", spec.head_branch}, {"repo", nullptr}};
  if (spec.head_repository) head["repo"] = repository_json(*spec.head_repository);
  nlohmann::json event = {{"action", spec.action},
                          {"number", spec.number},
                          {"repository", repository_json()},
                          {"pull_request",
                           {{"head", head},
                            {"base", {{"sha", spec.base}, {"ref", "main"}, {"repo", repository_json()}}},
                            {"updated_at", spec.updated_at}}}};
  if (spec.before) event["before"] = *spec.before;
  return event;
}

}  // namespace smgate::test
