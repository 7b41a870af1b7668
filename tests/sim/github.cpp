#include "tests/sim/github.hpp"

#include <algorithm>

#include "common/clock.hpp"
#include "common/digest.hpp"
#include "tests/sim/github_api.hpp"

namespace smgate::sim {
namespace {

constexpr std::int64_t kLate_ms = 20'000;
constexpr std::int64_t kVeryLate_ms = 300'000;  // now and then

// 2026-05-20T05:05:30Z: without the milliseconds.
std::string time_text(std::int64_t second) { return to_rfc3339_seconds(second * 1000); }

}  // namespace

GitHub::GitHub(Random& random) : random_(random) {}

std::string GitHub::commit() {
  constexpr std::array kMix = {Behaviour::healthy, Behaviour::healthy,     Behaviour::healthy,
                               Behaviour::broken,  Behaviour::build_fails, Behaviour::gate_invalid};
  const std::string sha = sha256_hex(std::to_string(random_.next())).substr(0, 40);
  commits_[sha] = kMix[random_.below(kMix.size())];
  return sha;
}

void GitHub::send(const std::string& event, const nlohmann::json& body, std::int64_t now_ms) {
  const std::int64_t late_ms = random_.below(6) == 0 ? kVeryLate_ms : kLate_ms;
  const Webhook webhook{"d-" + std::to_string(++deliveries_), event, body.dump(),
                        now_ms + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(late_ms)))};
  if (random_.below(12) == 0) {
    ++done_.lost;
    lost_.insert(webhook.delivery);
    note_attempt(webhook, now_ms, false);
    return;
  }
  outgoing_.push_back(webhook);
  if (random_.below(4) != 0) return;
  ++done_.twice;
  outgoing_.push_back(webhook);  // a redelivery, asked for by hand
  outgoing_.back().due_ms += static_cast<std::int64_t>(random_.below(kLate_ms));
}

void GitHub::act(std::int64_t now_ms, const GitHubApi& api) {
  second_ = std::max(second_ + 1, now_ms / 1000);
  switch (random_.below(12)) {
    case 0:
      return push_main(now_ms);
    case 1:
      return push_branch(now_ms);
    case 2:
      return open_pull(now_ms);
    case 3:
      return ask(now_ms);
    case 4:
      return queue_or_drop_group(now_ms);
    case 5:
    case 6:
      return rerun(now_ms, api);
    case 7:
    case 8:
      return approve(now_ms, api);
    default:
      return change_pull(now_ms);
  }
}

void GitHub::push_main(std::int64_t now_ms) {
  const std::string before = std::exchange(main_, commit());
  main_pushes_.emplace_back(before, main_);
  main_heads_.push_back(main_);
  send("push", test::push_json({"main", before, main_, second_}), now_ms);
}

void GitHub::push_branch(std::int64_t now_ms) {
  const std::string name = random_.below(2) == 0 ? "dev" : "feature/x";
  std::string& head = branches_.try_emplace(name, test::kNoCommit).first->second;
  const std::string before = std::exchange(head, commit());
  send("push", test::push_json({name, before, head, second_}), now_ms);
}

void GitHub::open_pull(std::int64_t now_ms) {
  if (main_ == test::kNoCommit) return push_main(now_ms);
  const int number = static_cast<int>(pulls_.size()) + 1;
  Pull& pull = pulls_[number];
  pull.base = main_;
  pull.fork = random_.below(5) == 0;
  done_.forks += pull.fork ? 1 : 0;
  pull.head = commit();
  send_pull(number, "opened", std::nullopt, now_ms);
}

void GitHub::change_pull(std::int64_t now_ms) {
  if (pulls_.empty()) return open_pull(now_ms);
  const int number = static_cast<int>(random_.below(pulls_.size())) + 1;
  Pull& pull = pulls_.at(number);
  if (!pull.open || (!pull.approved && random_.below(5) == 0)) {
    pull.open = !pull.open;
    return send_pull(number, pull.open ? "reopened" : "closed", std::nullopt, now_ms);
  }
  const std::string before = pull.head;
  pull.approved = false;
  ++done_.pushes;
  // Sometimes what is on main already, sometimes the head of another, mostly something new.
  if (const auto pick = random_.below(8); pick == 0 && !pull.fork)
    pull.head = main_;
  else
    pull.head = commit();
  send_pull(number, "synchronize", before, now_ms);
}

// Somebody looks at a fork's newest head, whose check asks for it: who may approve it, or who may not.
void GitHub::approve(std::int64_t now_ms, const GitHubApi& api) {
  for (auto& [number, pull] : pulls_) {
    const CheckRun* check = api.newest(pull.head, "smgate");
    if (!pull.open || !pull.fork || check == nullptr || check->conclusion != "action_required") continue;
    const bool may = random_.below(3) != 0;
    pull.approved = pull.approved || may;
    ++(may ? done_.approvals : done_.refused_approvals);
    const std::string login = may ? kMaintainer : kReader;
    if (random_.below(2) == 0) return comment(number, "/smgate approve " + pull.head.substr(0, 12), login, now_ms);
    return send("check_run",
                {{"action", "requested_action"},
                 {"requested_action", {{"identifier", "approve"}}},
                 {"check_run", {{"name", "smgate"}, {"head_sha", pull.head}}},
                 {"repository", test::repository_json()},
                 {"sender", {{"login", login}}}},
                now_ms);
  }
}

void GitHub::ask(std::int64_t now_ms) {
  if (pulls_.empty()) return open_pull(now_ms);
  ++done_.questions;
  comment(static_cast<int>(random_.below(pulls_.size())) + 1, "/smgate explain", kMaintainer, now_ms);
}

void GitHub::comment(int number, const std::string& body, const std::string& login, std::int64_t now_ms) {
  send("issue_comment",
       {{"action", "created"},
        {"issue", {{"number", number}, {"pull_request", nlohmann::json::object()}}},
        {"comment",
         {{"body", body},
          {"author_association", "MEMBER"},
          {"created_at", time_text(second_)},
          {"user", {{"login", login}}}}},
        {"repository", test::repository_json()}},
       now_ms);
}

void GitHub::rerun(std::int64_t now_ms, const GitHubApi& api) {
  for (const auto& [number, pull] : pulls_) {
    const CheckRun* check = api.newest(pull.head, "smgate");
    if (!pull.open || check == nullptr || check->conclusion != "failure" || random_.below(3) != 0) continue;
    ++done_.reruns;
    const bool one = random_.below(2) == 0 && api.newest(pull.head, "smgate / sm_89") != nullptr;
    return send("check_run",
                {{"action", "rerequested"},
                 {"check_run", {{"name", one ? "smgate / sm_89" : "smgate"}, {"head_sha", pull.head}}},
                 {"repository", test::repository_json()},
                 {"sender", {{"login", "maintainer"}}}},
                now_ms);
  }
}

void GitHub::queue_or_drop_group(std::int64_t now_ms) {
  if (main_ == test::kNoCommit) return;
  if (!groups_.empty() && groups_.back().open && random_.below(2) == 0) {
    groups_.back().open = false;
  } else {
    groups_.push_back({commit(), main_, true});
    ++done_.groups;
  }
  send_group(groups_.back(), groups_.size(), now_ms);
}

void GitHub::send_group(const Group& group, std::size_t number, std::int64_t now_ms) {
  send("merge_group",
       {{"action", group.open ? "checks_requested" : "destroyed"},
        {"reason", "invalidated"},
        {"merge_group", {{"head_sha", group.head}, {"base_sha", group.base}, {"head_ref", group_ref(group, number)}}},
        {"repository", test::repository_json()}},
       now_ms);
}

void GitHub::send_pull(int number, const std::string& action, const std::optional<std::string>& before,
                       std::int64_t now_ms) {
  Pull& pull = pulls_.at(number);
  pull.updated_s = second_;
  test::PullSpec spec;
  spec.action = action;
  spec.number = number;
  spec.head = pull.head;
  spec.base = pull.base;
  spec.updated_at = time_text(second_);
  spec.head_branch = "pull-" + std::to_string(number);
  if (pull.fork) spec.head_repository = "stranger/kernels";
  spec.before = before;
  send("pull_request", test::pull_json(spec), now_ms);
}

// Not in the order of what happened, but of when each is due.
const Webhook* GitHub::due(std::int64_t now_ms) const {
  const auto first = std::min_element(outgoing_.begin(), outgoing_.end(),
                                      [](const Webhook& a, const Webhook& b) { return a.due_ms < b.due_ms; });
  return first == outgoing_.end() || first->due_ms > now_ms ? nullptr : &*first;
}

void GitHub::answered(const std::string& delivery, std::int64_t now_ms) {
  const auto found = std::find_if(outgoing_.begin(), outgoing_.end(),
                                  [&](const Webhook& it) { return it.delivery == delivery && it.due_ms <= now_ms; });
  note_attempt(*found, now_ms, true);
  done_.out_of_order += found == outgoing_.begin() ? 0 : 1;
  lost_.erase(delivery);
  outgoing_.erase(found);
}

void GitHub::send_all_at(std::int64_t now_ms) {
  loses_ = false;
  for (Webhook& webhook : outgoing_) webhook.due_ms = std::min(webhook.due_ms, now_ms);
}

std::vector<WantedRun> GitHub::wanted() const {
  std::vector<WantedRun> wanted;
  for (const auto& [before, after] : main_pushes_)
    wanted.push_back({after, before == test::kNoCommit ? "" : before, false});
  for (const auto& [name, head] : branches_) wanted.push_back({head, std::nullopt, false});
  for (const auto& [number, pull] : pulls_)
    if (pull.open) wanted.push_back({pull.head, pull.base, pull.fork && !pull.approved});
  for (const Group& group : groups_)
    if (group.open) wanted.push_back({group.head, group.base, false});
  return wanted;
}

}  // namespace smgate::sim
