#include "tests/sim/link.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "server/recovery/recovery_steps.hpp"
#include "server/sender/sender_steps.hpp"
#include "tests/support/rsa_key.hpp"

namespace smgate::sim {
namespace {

using boost::asio::awaitable;
using nlohmann::json;

constexpr std::int64_t kStart_ms = 1'000;     // what a restart takes at least
constexpr std::int64_t kPeriod_ms = 300'000;  // between two looks
constexpr int kPagesMax = 10;
constexpr const char* kRepository = "acme/kernels";

const github::AppKey& app_key() {
  static const github::AppKey kKey = github::AppKey::parse(github::Secret(test::RsaKey().pem())).value();
  return kKey;
}

awaitable<github::Exchanged> reply(GitHubApi& api, github::Exchange exchange) { co_return api.answer(exchange); }

template <class Item>
github::OnPage collect(std::vector<Item>& items, std::optional<Item> (*parse)(const json&)) {
  return [&items, parse](const json& page) {
    for (const json& item : page)
      if (std::optional<Item> parsed = parse(item)) items.push_back(std::move(*parsed));
    return true;
  };
}

}  // namespace

struct Link::Impl {
  Random& random;
  const Clock& clock;
  GitHubApi& api;
  boost::asio::io_context io{1};
  std::optional<github::Client> client{};
  std::optional<sender::Task> begun{};
  std::int64_t ready_ms = 0;
  std::int64_t look_ms = 0;

  void start() {
    github::Settings settings{github::parse_url("https://api.example").value(),
                              github::AppIdentity{"Iv1.sim", app_key()}};
    client.emplace(std::move(settings), clock,
                   [this](github::Exchange exchange) { return reply(api, std::move(exchange)); });
  }

  template <class T>
  T await(awaitable<T> awaited) {
    auto future = boost::asio::co_spawn(io, std::move(awaited), boost::asio::use_future);
    io.restart();
    io.run();
    return future.get();
  }

  bool list(github::Request request, github::OnPage on_page) {
    const github::Target target{kRepository, std::nullopt};
    return std::holds_alternative<github::Done>(
        await(client->each_page(std::move(request), target, kPagesMax, std::move(on_page))));
  }

  void look_for_deliveries(store::InlineStore& store) {
    std::vector<recovery::Attempt> attempts;
    const bool whole = list(github::list_hook_deliveries(), [&attempts](const json& page) {
      const auto listed = recovery::parse_attempts(page);
      attempts.insert(attempts.end(), listed.begin(), listed.end());
      return true;
    });
    store.write([&](store::Tx& tx) { return recovery::note_attempts(tx, attempts, whole, clock.now_ms()); });
  }

  void look_for_heads(store::InlineStore& store) {
    const auto known = store.read([](store::ReadTx& tx) { return recovery::known_heads(tx, kRepository); });
    std::vector<recovery::ListedPull> pulls;
    std::vector<recovery::ListedGroup> groups;
    if (!list(github::list_open_pulls(kRepository), collect(pulls, recovery::parse_pull)) ||
        !list(github::list_merge_group_refs(kRepository), collect(groups, recovery::parse_group)))
      return;
    const std::int64_t now_ms = clock.now_ms();
    store.write([&](store::Tx& tx) {
      recovery::note_pulls(tx, kRepository, pulls, now_ms);
      recovery::note_groups(tx, kRepository, std::nullopt, known, groups, now_ms);
    });
    for (const std::int64_t number : recovery::unlisted_pulls(known.pulls, pulls, now_ms, 10)) {
      const github::Target target{kRepository, std::nullopt};
      const auto seen = await(client->send(github::get_pull(kRepository, number), target, 1));
      if (!std::holds_alternative<github::Done>(seen.meaning)) return;
      const auto pull = recovery::parse_pull(json::parse(seen.answer.body, nullptr, false));
      if (pull) store.write([&](store::Tx& tx) { return recovery::note_closed_pull(tx, *pull, now_ms); });
    }
  }
};

Link::Link(Random& random, const Clock& clock, GitHubApi& api) : impl_(new Impl{random, clock, api}) { impl_->start(); }
Link::~Link() = default;

bool Link::send(store::InlineStore& store) {
  const std::int64_t now_ms = impl_->clock.now_ms();
  if (now_ms < impl_->ready_ms) return false;
  if (!impl_->begun) {
    if (impl_->client->earliest_ms(github::Effect::write) > now_ms) return false;
    impl_->begun = store.write([now_ms](store::Tx& tx) { return sender::begin_task(tx, false, now_ms); });
    return impl_->begun.has_value();
  }
  if (impl_->client->earliest_ms(github::Effect::read) > now_ms) return false;  // another request was told to wait
  const sender::Task task = *std::exchange(impl_->begun, std::nullopt);
  const sender::Conclusion conclusion = impl_->await(sender::carry_out(*impl_->client, task, impl_->clock));
  store.write([&](store::Tx& tx) { sender::record(tx, task, conclusion, now_ms); });
  return true;
}

void Link::recover(store::InlineStore& store) {
  const std::int64_t now_ms = impl_->clock.now_ms();
  if (now_ms < std::max(impl_->ready_ms, impl_->look_ms)) return;
  if (impl_->client->earliest_ms(github::Effect::read) > now_ms) return;
  impl_->look_ms = now_ms + kPeriod_ms;
  impl_->look_for_deliveries(store);
  if (impl_->client->earliest_ms(github::Effect::read) <= now_ms) impl_->look_for_heads(store);
}

// The request may have been on its way.
void Link::crash() {
  if (impl_->begun && impl_->random.below(2) == 0)
    impl_->await(sender::carry_out(*impl_->client, *impl_->begun, impl_->clock));
  impl_->begun.reset();
  impl_->start();
  impl_->api.forgotten();
  impl_->ready_ms = impl_->clock.now_ms() + kStart_ms;
  impl_->look_ms = 0;
}

}  // namespace smgate::sim
