#include "server/recovery/recovery_steps.hpp"

#include <algorithm>

#include "server/store/runs.hpp"

namespace smgate::recovery {
namespace {

constexpr const char* kDeliveriesMark = "deliveries";

std::string pulls_mark(const std::string& repository) { return "pulls " + repository; }

// It has come, whatever GitHub heard of our answer.
bool has_come(store::ReadTx& tx, const store::LostDelivery& lost) {
  return store::find_delivery(tx, DeliveryId{lost.guid}).has_value();
}

// A run that was made just now is of a branch that GitHub's list may not show yet.
bool is_settled(store::ReadTx& tx, const std::string& repository, const store::MergeGroupRow& group,
                std::int64_t now_ms) {
  const std::vector<RunId> runs = store::runs_named_by(tx, repository, group.ref);
  return std::all_of(runs.begin(), runs.end(),
                     [&](const RunId& run) { return store::find_run(tx, run)->created_ms < now_ms - kSettled_ms; });
}

int tell(store::Tx& tx, const store::Delivery& delivery) { return store::insert_delivery(tx, delivery) ? 1 : 0; }

}  // namespace

std::int64_t look_back_to_ms(store::ReadTx& tx, std::int64_t now_ms) {
  const std::int64_t kept_ms = now_ms - kKept_ms;
  return std::max(kept_ms, store::find_mark(tx, kDeliveriesMark).value_or(0) - kOverlap_ms);
}

int note_attempts(store::Tx& tx, const std::vector<Attempt>& attempts, bool whole, std::int64_t now_ms) {
  const std::vector<store::LostDelivery> known = store::lost_deliveries(tx);
  for (const store::LostDelivery& one : known) store::forget_lost_delivery(tx, one.guid);
  int asked = 0;
  for (store::LostDelivery& lost : still_lost(known, attempts, now_ms)) {
    if (has_come(tx, lost)) continue;
    if (is_to_be_asked(lost, now_ms)) {
      store::enqueue_call(tx, ask_again(lost), now_ms);
      lost.asked_attempt = lost.attempt;
      ++lost.asked;
      ++asked;
    }
    store::save_lost_delivery(tx, lost);
  }
  std::int64_t seen_ms = store::find_mark(tx, kDeliveriesMark).value_or(0);
  for (const Attempt& attempt : attempts) seen_ms = std::max(seen_ms, attempt.delivered_ms);
  if (whole) store::set_mark(tx, kDeliveriesMark, seen_ms);
  return asked;
}

Known known_heads(store::ReadTx& tx, const std::string& repository) {
  return {store::open_pull_requests(tx, repository), store::open_merge_groups(tx, repository)};
}

int note_pulls(store::Tx& tx, const std::string& repository, const std::vector<ListedPull>& listed,
               std::int64_t now_ms) {
  const std::int64_t since_ms =
      std::min(now_ms - kKept_ms, store::find_mark(tx, pulls_mark(repository)).value_or(now_ms));
  int told = 0;
  for (const ListedPull& one : listed)
    if (one.pull.repository == repository &&
        is_missed(store::find_pull_request(tx, repository, one.pull.number), one, since_ms))
      told += tell(tx, tell_pull(one, now_ms));
  store::set_mark(tx, pulls_mark(repository), now_ms);
  return told;
}

int note_closed_pull(store::Tx& tx, const ListedPull& listed, std::int64_t now_ms) {
  const auto known = store::find_pull_request(tx, listed.pull.repository, listed.pull.number);
  if (!known || !known->open || listed.pull.open) return 0;
  return tell(tx, tell_pull(listed, now_ms));
}

int note_groups(store::Tx& tx, const std::string& name, const std::optional<store::Repository>& repository,
                const Known& known, const std::vector<ListedGroup>& listed, std::int64_t now_ms) {
  std::optional<store::Repository> named = store::find_repository(tx, name);
  if (!named) named = repository;
  if (!named) return 0;  // no pull request is open, so no group is either
  int told = 0;
  for (const ListedGroup& group : listed)
    if (!store::knows_merge_group(tx, name, group.head)) told += tell(tx, tell_group(*named, group, now_ms));
  for (const store::MergeGroupRow& group : unlisted_groups(known.groups, listed))
    if (is_settled(tx, name, group, now_ms)) told += tell(tx, tell_group_is_gone(*named, group, now_ms));
  return told;
}

}  // namespace smgate::recovery
