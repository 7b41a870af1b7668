#include "server/recovery/recovery.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/crash_point.hpp"
#include "common/log.hpp"
#include "server/store/crash_points.hpp"
#include "server/store/store_async.hpp"

namespace smgate::recovery {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using github::Done;
using github::Meaning;
using nlohmann::json;

std::string error_of(const Meaning& meaning) {
  return std::visit(
      [](const auto& what) -> std::string {
        if constexpr (requires { what.error; }) return what.error;
        return "";
      },
      meaning);
}

template <class Item>
bool add_items(std::vector<Item>& items, const json& page, std::optional<Item> (*parse)(const json&)) {
  if (!page.is_array()) return false;
  for (const json& item : page)
    if (std::optional<Item> parsed = parse(item)) items.push_back(std::move(*parsed));
  return true;
}

}  // namespace

Recovery::Recovery(store::Store& store, github::Client& client, const Clock& clock, Settings settings,
                   std::function<void()> told, std::function<void()> asked)
    : store_(store),
      client_(client),
      clock_(clock),
      settings_(std::move(settings)),
      told_(std::move(told)),
      asked_(std::move(asked)) {}

awaitable<bool> Recovery::step() {
  const std::int64_t now_ms = clock_.now_ms();
  if (now_ms < due_ms_ || client_.earliest_ms(github::Effect::read) > now_ms) co_return false;
  if (next_ == 0) began_ms_ = now_ms;
  std::string task = next_ == 0 ? "the hook's deliveries" : settings_.repositories[next_ - 1];
  if (next_ == 0) {
    const Meaning meaning = co_await ask_for_lost_deliveries();
    go_on(meaning, task);
  } else {
    const Meaning meaning = co_await reconcile(task);
    go_on(meaning, task);
  }
  co_return true;
}

void Recovery::go_on(const Meaning& meaning, const std::string& task) {
  const auto* retry = std::get_if<github::Retry>(&meaning);
  if (!std::holds_alternative<Done>(meaning))
    spdlog::warn("recovery could not look at GitHub task=\"{}\" what=\"{}\"", task, error_of(meaning));
  if (retry != nullptr && ++tries_ < kTriesMax) {
    due_ms_ = std::max(retry->at_ms, clock_.now_ms() + github::back_off_ms(tries_));
    return;
  }
  tries_ = 0;
  if (++next_ <= settings_.repositories.size()) return;
  next_ = 0;
  due_ms_ = began_ms_ + settings_.period_ms;
}

awaitable<Meaning> Recovery::ask_for_lost_deliveries() {
  if (!client_.is_app()) co_return Done{};  // a repository's own hook is not the token's to list
  const std::int64_t now_ms = clock_.now_ms();
  const std::int64_t to_ms =
      co_await store::read(store_, [now_ms](store::ReadTx& tx) { return look_back_to_ms(tx, now_ms); });
  std::vector<Attempt> attempts;
  int pages = 0;
  bool reached = false;
  github::OnPage note = [&](const json& page) {
    const std::vector<Attempt> listed = parse_attempts(page);
    attempts.insert(attempts.end(), listed.begin(), listed.end());
    reached = std::any_of(listed.begin(), listed.end(), [&](const Attempt& it) { return it.delivered_ms < to_ms; });
    ++pages;
    return !reached;
  };
  github::Request request = github::list_hook_deliveries();
  const github::Target nobody;
  Meaning meaning = co_await client_.each_page(std::move(request), nobody, kDeliveryPagesMax, std::move(note));
  // What was listed before it broke off counts, but the next look begins where this one did.
  const bool whole = std::holds_alternative<Done>(meaning);
  if (whole && !reached && pages == kDeliveryPagesMax)
    spdlog::warn("recovery has not looked at all deliveries since the last time: there are more than {} pages", pages);
  const int asked = co_await store::write(
      store_, [&attempts, whole, now_ms](store::Tx& tx) { return note_attempts(tx, attempts, whole, now_ms); });
  if (asked > 0) {
    spdlog::warn("webhooks did not come, and are asked for again count={}", asked);
    crash_point(store::kAskedAgain);
    asked_();
  }
  co_return meaning;
}

awaitable<Meaning> Recovery::reconcile(std::string repository) {
  github::Target target{repository, std::nullopt};
  const Known known = co_await store::read(store_, [&target](store::ReadTx& tx) {
    if (const auto row = store::find_repository(tx, target.repository)) target.installation = row->installation;
    return known_heads(tx, target.repository);
  });
  std::vector<ListedPull> pulls;
  std::vector<ListedGroup> groups;
  github::OnPage note_pull_page = [&pulls](const json& page) { return add_items(pulls, page, parse_pull); };
  github::OnPage note_group_page = [&groups](const json& page) { return add_items(groups, page, parse_group); };
  github::Request list_pulls = github::list_open_pulls(repository);
  Meaning meaning = co_await client_.each_page(std::move(list_pulls), target, kPullPagesMax, std::move(note_pull_page));
  if (!std::holds_alternative<Done>(meaning)) co_return meaning;
  github::Request list_groups = github::list_merge_group_refs(repository);
  meaning = co_await client_.each_page(std::move(list_groups), target, kGroupPagesMax, std::move(note_group_page));
  if (!std::holds_alternative<Done>(meaning)) co_return meaning;
  const std::int64_t now_ms = clock_.now_ms();
  const int told = co_await store::write(store_, [&](store::Tx& tx) {
    const auto row = pulls.empty() ? std::nullopt : std::optional(pulls[0].repository);
    return note_pulls(tx, repository, pulls, now_ms) + note_groups(tx, repository, row, known, groups, now_ms);
  });
  tell(told, repository);
  co_return co_await look_at_unlisted(target, unlisted_pulls(known.pulls, pulls, now_ms, kClosedLooksMax));
}

// A list of several pages may miss one that moved between them: only GitHub's word about the very one counts.
awaitable<Meaning> Recovery::look_at_unlisted(github::Target target, std::vector<std::int64_t> numbers) {
  for (const std::int64_t number : numbers) {
    github::Request request = github::get_pull(target.repository, number);
    const github::Outcome seen = co_await client_.send(std::move(request), target, 1);
    if (std::holds_alternative<github::Retry>(seen.meaning)) co_return seen.meaning;
    const auto pull = parse_pull(json::parse(seen.answer.body, nullptr, false));
    if (!pull || pull->pull.repository != target.repository) continue;
    const std::int64_t now_ms = clock_.now_ms();
    const int told =
        co_await store::write(store_, [&pull, now_ms](store::Tx& tx) { return note_closed_pull(tx, *pull, now_ms); });
    tell(told, target.repository);
  }
  co_return Done{};
}

void Recovery::tell(int count, const std::string& repository) {
  if (count == 0) return;
  spdlog::warn("no webhook told of heads that GitHub has repository={} count={}", repository, count);
  crash_point(store::kHeadsTold);
  told_();
}

}  // namespace smgate::recovery
