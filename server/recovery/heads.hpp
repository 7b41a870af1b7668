// Open pull requests and merge groups as GitHub lists them, held against what webhooks have told: what was missed, as
// webhooks of GitHub's shape, so that intake does with them what it does with GitHub's own. Pure; any thread.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "server/store/deliveries.hpp"
#include "server/store/heads.hpp"
#include "server/store/repositories.hpp"

namespace smgate::recovery {

// What changed so shortly before may be on its way: its webhook comes, or GitHub's list is older than it.
inline constexpr std::int64_t kSettled_ms = 120'000;

struct ListedPull {
  store::PullRequest pull;
  store::Repository repository;  // the base's, without its installation
};
std::optional<ListedPull> parse_pull(const nlohmann::json& item);

struct ListedGroup {
  std::string ref;
  CommitSha head;
  CommitSha base;  // the ref ends in it
};
std::optional<ListedGroup> parse_group(const nlohmann::json& item);

// A pull request that no webhook has told of is missed where it has changed since then: one that is older was there
// before this server, and nobody asked for its checks.
bool is_missed(const std::optional<store::PullRequest>& known, const ListedPull& listed, std::int64_t since_ms);
// Open by our rows, and not among the listed: GitHub is to be asked about each.
std::vector<std::int64_t> unlisted_pulls(const std::vector<store::PullRequest>& known,
                                         const std::vector<ListedPull>& listed, std::int64_t now_ms,
                                         std::size_t count_max);
std::vector<store::MergeGroupRow> unlisted_groups(const std::vector<store::MergeGroupRow>& known,
                                                  const std::vector<ListedGroup>& listed);

// What the webhook would have said. The id follows from what it says: told twice it is one delivery.
store::Delivery tell_pull(const ListedPull& listed, std::int64_t now_ms);
store::Delivery tell_group(const store::Repository& repository, const ListedGroup& listed, std::int64_t now_ms);
store::Delivery tell_group_is_gone(const store::Repository& repository, const store::MergeGroupRow& group,
                                   std::int64_t now_ms);

}  // namespace smgate::recovery
