#include "server/keyring.hpp"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <utility>

#include "common/crash_point.hpp"
#include "common/log.hpp"
#include "server/store/crash_points.hpp"
#include "server/store/store_async.hpp"

namespace smgate {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using store::Keys;

constexpr const char* kUsername = "x-access-token";  // as GitHub names whoever comes with a token

// A repository is asked for as long as this lives.
class Asking {
 public:
  Asking(std::set<std::string>& asked, std::string repository) : asked_(asked), repository_(std::move(repository)) {}
  ~Asking() { asked_.erase(repository_); }
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;

 private:
  std::set<std::string>& asked_;
  std::string repository_;
};

}  // namespace

Keyring::Keyring(asio::any_io_executor executor, const GithubConfig& config, const Clock& clock, store::Store& store,
                 github::Client* client, std::function<void()> changed)
    : executor_(std::move(executor)), clock_(clock), store_(store), client_(client), changed_(std::move(changed)) {
  if (client_ == nullptr) return;
  keys_.origin = config.git_url;
  keys_.ca_file = config.ca_file;
}

Keys Keyring::for_source() {
  const std::int64_t now_ms = clock_.now_ms();
  std::erase_if(keys_.at_hand, [now_ms](const auto& key) { return key.second.until_ms <= now_ms; });
  return keys_;
}

Keys Keyring::for_runners() { return client_ != nullptr && client_->is_app() ? for_source() : Keys{}; }

void Keyring::ask(const std::vector<store::Repository>& repositories) {
  for (const store::Repository& repository : repositories) {
    if (keys_.asked.size() >= kAskedMax) return;
    if (keys_.asked.insert(repository.full_name).second) tasks_->spawn("keyring", fetch(repository));
  }
}

awaitable<void> Keyring::fetch(store::Repository repository) {
  {
    const Asking asking(keys_.asked, repository.full_name);
    github::Target target{repository.full_name, repository.installation};
    Answer answer = co_await token_for(std::move(target));
    co_await take(std::move(repository), std::move(answer));
  }
  changed_();
}

awaitable<Keyring::Answer> Keyring::token_for(github::Target target) {
  for (;;) {
    const std::int64_t now_ms = clock_.now_ms();
    const std::int64_t earliest_ms = client_->earliest_ms(github::Effect::write);
    if (!client_->is_app() || earliest_ms <= now_ms) co_return co_await client_->contents_token(std::move(target));
    if (earliest_ms - now_ms > kQuietWait_ms) {
      Error limited("GitHub's limits leave no request for a token to read the repository with", target.repository, "");
      co_return github::NoToken{std::move(limited), earliest_ms, false};
    }
    asio::steady_timer timer(executor_, std::chrono::milliseconds(earliest_ms - now_ms));
    co_await timer.async_wait(asio::use_awaitable);
  }
}

awaitable<void> Keyring::take(store::Repository repository, Answer answer) {
  const std::int64_t now_ms = clock_.now_ms();
  const auto* token = std::get_if<github::Token>(&answer);
  const auto* none = std::get_if<github::NoToken>(&answer);
  if (token != nullptr || (none->refused && !repository.is_private)) {
    store::Key key{{std::nullopt, "", keys_.ca_file}, now_ms, now_ms + kTakenForPublic_ms};
    if (token != nullptr) {
      key.access.credential = GitCredential{kUsername, token->secret};
      const std::int64_t half_ms = (token->expires_ms - now_ms) / 2;  // for a host whose tokens live shorter
      key.until_ms = std::max(token->expires_ms - kTokenLeft_ms, now_ms + half_ms);
    } else {
      key.access.why_none = none->error.text();
    }
    co_await store::write(store_, [&repository](store::Tx& tx) {
      store::note_access(tx, repository.full_name);
      return true;
    });
    crash_point(store::kTokenNoted);
    keys_.at_hand.insert_or_assign(repository.full_name, std::move(key));
    co_return;
  }
  const std::string error = none->error.text();
  co_await store::write(store_, [&](store::Tx& tx) {
    const int tries = store::access_tries(tx, repository.full_name) + 1;
    const std::int64_t retry_ms = std::max(none->retry_ms, now_ms + github::back_off_ms(tries));
    store::note_no_access(tx, repository.full_name, error, tries, retry_ms);
    return true;
  });
  crash_point(store::kRefusalNoted);
  spdlog::warn("a repository's runs and jobs wait for a token repository={} what=\"{}\"", repository.full_name, error);
}

}  // namespace smgate
