#include "server/recovery/heads.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "common/clock.hpp"
#include "common/digest.hpp"
#include "server/github/answer.hpp"
#include "server/recovery/fields.hpp"

namespace smgate::recovery {
namespace {

using nlohmann::json;

constexpr std::string_view kQueue = "refs/heads/gh-readonly-queue/";
constexpr std::size_t kShaLength = 40;

bool is_sha(const std::string& text) {
  return text.size() == kShaLength && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

store::Delivery message(const std::string& event, const json& payload, std::int64_t now_ms) {
  std::string text = payload.dump(-1, ' ', false, json::error_handler_t::replace);
  const DeliveryId id{"recovered-" + sha256_hex(event + text).substr(0, 32)};
  return {id, event, std::move(text), now_ms};
}

json group_json(const store::Repository& repository, const char* action, const ListedGroup& group) {
  return {{"action", action},
          {"merge_group", {{"head_ref", group.ref}, {"head_sha", group.head.value}, {"base_sha", group.base.value}}},
          {"repository", store::repository_json(repository)}};
}

}  // namespace

std::optional<ListedPull> parse_pull(const json& item) {
  const json& head = object_at(item, "head");
  const json& base = object_at(item, "base");
  const json& repository = object_at(base, "repo");
  ListedPull listed;
  listed.repository = {text_at(repository, "full_name"), text_at(repository, "clone_url"),
                       text_at(repository, "default_branch"), std::nullopt, truth_at(repository, "private")};
  store::PullRequest& pull = listed.pull;
  pull.repository = listed.repository.full_name;
  pull.number = number_at(item, "number");
  pull.head_repository = text_at(object_at(head, "repo"), "full_name");
  pull.head_branch = text_at(head, "ref");
  pull.head = CommitSha{text_at(head, "sha")};
  pull.base_branch = text_at(base, "ref");
  pull.base = CommitSha{text_at(base, "sha")};
  pull.open = text_at(item, "state") == "open";
  const auto updated_ms = github::parse_utc_ms(text_at(item, "updated_at"));
  pull.updated_ms = updated_ms.value_or(0);
  const bool whole = pull.number > 0 && is_sha(pull.head.value) && is_sha(pull.base.value) && updated_ms &&
                     !pull.repository.empty() && !pull.head_branch.empty() && !pull.base_branch.empty();
  return whole ? std::optional(std::move(listed)) : std::nullopt;
}

// refs/heads/gh-readonly-queue/BASE-BRANCH/pr-NUMBER-BASE-SHA
std::optional<ListedGroup> parse_group(const json& item) {
  ListedGroup group{text_at(item, "ref"), CommitSha{text_at(object_at(item, "object"), "sha")}, {}};
  const std::size_t dash = group.ref.rfind('-');
  if (!group.ref.starts_with(kQueue) || dash == std::string::npos) return std::nullopt;
  group.base.value = group.ref.substr(dash + 1);
  if (!is_sha(group.head.value) || !is_sha(group.base.value)) return std::nullopt;
  return group;
}

bool is_missed(const std::optional<store::PullRequest>& known, const ListedPull& listed, std::int64_t since_ms) {
  if (!known) return listed.pull.updated_ms >= since_ms;
  if (!known->open) return listed.pull.updated_ms > known->updated_ms;
  return known->head != listed.pull.head || known->base_branch != listed.pull.base_branch;
}

std::vector<std::int64_t> unlisted_pulls(const std::vector<store::PullRequest>& known,
                                         const std::vector<ListedPull>& listed, std::int64_t now_ms,
                                         std::size_t count_max) {
  std::set<std::int64_t> there;
  for (const ListedPull& one : listed) there.insert(one.pull.number);
  std::vector<std::int64_t> unlisted;
  for (const store::PullRequest& pull : known)
    if (!there.contains(pull.number) && pull.updated_ms < now_ms - kSettled_ms && unlisted.size() < count_max)
      unlisted.push_back(pull.number);
  return unlisted;
}

std::vector<store::MergeGroupRow> unlisted_groups(const std::vector<store::MergeGroupRow>& known,
                                                  const std::vector<ListedGroup>& listed) {
  std::vector<store::MergeGroupRow> unlisted;
  std::copy_if(known.begin(), known.end(), std::back_inserter(unlisted), [&](const store::MergeGroupRow& group) {
    return std::none_of(listed.begin(), listed.end(), [&](const ListedGroup& one) { return one.head == group.head; });
  });
  return unlisted;
}

// Whatever happened to it, it is as if its head had been pushed.
store::Delivery tell_pull(const ListedPull& listed, std::int64_t now_ms) {
  const store::PullRequest& pull = listed.pull;
  json head{{"sha", pull.head.value}, {"ref", pull.head_branch}, {"repo", nullptr}};
  if (!pull.head_repository.empty()) head["repo"] = {{"full_name", pull.head_repository}};
  const json payload{{"action", pull.open ? "synchronize" : "closed"},
                     {"number", pull.number},
                     {"pull_request",
                      {{"head", std::move(head)},
                       {"base", {{"sha", pull.base.value}, {"ref", pull.base_branch}}},
                       {"updated_at", to_rfc3339_seconds(pull.updated_ms)}}},
                     {"repository", store::repository_json(listed.repository)}};
  return message("pull_request", payload, now_ms);
}

store::Delivery tell_group(const store::Repository& repository, const ListedGroup& listed, std::int64_t now_ms) {
  return message("merge_group", group_json(repository, "checks_requested", listed), now_ms);
}

store::Delivery tell_group_is_gone(const store::Repository& repository, const store::MergeGroupRow& group,
                                   std::int64_t now_ms) {
  json payload = group_json(repository, "destroyed", {group.ref, group.head, group.head});
  payload["reason"] = "its branch is gone";
  return message("merge_group", payload, now_ms);
}

}  // namespace smgate::recovery
