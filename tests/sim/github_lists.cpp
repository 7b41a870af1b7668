// What the virtual GitHub answers when it is asked what there is.
#include <algorithm>

#include "common/clock.hpp"
#include "tests/sim/github.hpp"

namespace smgate::sim {
namespace {

using nlohmann::json;

constexpr std::size_t kListedMax = 400;  // the newest ones; what is older was recovered long before

}  // namespace

std::int64_t GitHub::note_attempt(const Webhook& webhook, std::int64_t now_ms, bool answered) {
  const auto id = static_cast<std::int64_t>(attempts_.size()) + 1;
  attempts_.push_back({id, webhook, now_ms, answered});
  return id;
}

json GitHub::hook_deliveries() const {
  json listed = json::array();
  for (auto attempt = attempts_.rbegin(); attempt != attempts_.rend() && listed.size() < kListedMax; ++attempt)
    listed.push_back({{"id", attempt->id},
                      {"guid", attempt->webhook.delivery},
                      {"event", attempt->webhook.event},
                      {"delivered_at", to_rfc3339(attempt->delivered_ms)},
                      {"status_code", attempt->answered ? 202 : 502}});
  return listed;
}

// It may fail again.
bool GitHub::redeliver(std::int64_t attempt, std::int64_t now_ms) {
  if (attempt < 1 || attempt > static_cast<std::int64_t>(attempts_.size())) return false;
  Webhook webhook = attempts_[static_cast<std::size_t>(attempt - 1)].webhook;
  ++done_.redelivered;
  webhook.due_ms = now_ms;
  if (loses_ && random_.below(4) == 0)
    note_attempt(webhook, now_ms, false);
  else
    outgoing_.push_back(std::move(webhook));
  return true;
}

json GitHub::pull(int number) const {
  const auto found = pulls_.find(number);
  if (found == pulls_.end()) return nullptr;
  const Pull& pull = found->second;
  const std::string owner = pull.fork ? "stranger/kernels" : "acme/kernels";
  return {
      {"number", number},
      {"state", pull.open ? "open" : "closed"},
      {"updated_at", to_rfc3339_seconds(pull.updated_s * 1000)},
      {"head", {{"sha", pull.head}, {"ref", "pull-" + std::to_string(number)}, {"repo", test::repository_json(owner)}}},
      {"base", {{"sha", pull.base}, {"ref", "main"}, {"repo", test::repository_json()}}}};
}

json GitHub::open_pulls() const {
  json listed = json::array();
  for (const auto& [number, pull_request] : pulls_)
    if (pull_request.open) listed.push_back(pull(number));
  return listed;
}

std::string GitHub::group_ref(const Group& group, std::size_t number) {
  return "refs/heads/gh-readonly-queue/main/pr-" + std::to_string(number) + "-" + group.base;
}

json GitHub::merge_group_refs() const {
  json listed = json::array();
  for (std::size_t i = 0; i < groups_.size(); ++i)
    if (groups_[i].open)
      listed.push_back({{"ref", group_ref(groups_[i], i + 1)}, {"object", {{"sha", groups_[i].head}}}});
  return listed;
}

}  // namespace smgate::sim
