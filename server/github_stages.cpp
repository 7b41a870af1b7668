#include "server/github_stages.hpp"

#include <chrono>
#include <utility>

#include "common/crash_point.hpp"
#include "common/log.hpp"
#include "server/store/crash_points.hpp"
#include "server/store/store_async.hpp"

namespace smgate {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::milliseconds kPoll{250};           // calls fall due a second after each other
constexpr std::chrono::milliseconds kRecoveryPoll{1000};  // its rounds are minutes apart

std::optional<github::Settings> settings_of(const GithubConfig& config) {
  const auto url = github::parse_url(config.api_url);
  if (!url) return std::nullopt;
  if (!config.private_key.empty())
    return github::Settings{
        *url, github::AppIdentity{config.client_id, github::AppKey::parse(github::Secret(config.private_key)).value()}};
  if (!config.token.empty()) return github::Settings{*url, github::Secret(config.token)};
  return std::nullopt;
}

std::string without_slash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

recovery::Recovery::Settings recovery_settings(const Config& config) {
  recovery::Recovery::Settings settings{{}, config.recovery_ms};
  for (const auto& [name, url] : config.repositories) settings.repositories.push_back(name);
  return settings;
}

}  // namespace

GithubStages::GithubStages(asio::any_io_executor executor, const Config& config, const Clock& clock,
                           store::Store& store, std::function<void()> told, std::function<void()> keys)
    : clock_(clock),
      store_(store),
      reporting_{false, without_slash(config.public_url), !config.read_needs_token},
      reporter_loop_(executor, "reporter", kPoll, [this] { return report(); }),
      sender_loop_(executor, "sender", kPoll, [this] { return send(); }),
      recovery_loop_(executor, "recovery", kRecoveryPoll, [this] { return recover(); }) {
  std::optional<github::Settings> settings = settings_of(config.github);
  if (settings) client_.emplace(std::move(*settings), clock_, github::make_transport(executor, config.github.ca_file));
  keyring_.emplace(executor, config.github, clock_, store_, client_ ? &*client_ : nullptr, std::move(keys));
  if (!client_) return;
  sender_.emplace(store_, *client_, clock_);
  recovery_.emplace(store_, *client_, clock_, recovery_settings(config), std::move(told), [this] { wake_sender(); });
  reporting_.enabled = true;
}

void GithubStages::start(http::TaskGroup& tasks) {
  if (!client_)
    spdlog::warn("checks are not reported: the configuration's section github names neither an App nor a token");
  else if (!client_->is_app())
    spdlog::warn("checks are reported as commit statuses: the configuration names a token, not an App");
  keyring_->start(tasks);
  for (StageLoop* loop : {&reporter_loop_, &sender_loop_, &recovery_loop_}) tasks.spawn(loop->name(), loop->run());
}

std::map<std::string, std::uint64_t> GithubStages::failures() const {
  std::map<std::string, std::uint64_t> failures;
  for (const StageLoop* loop : {&reporter_loop_, &sender_loop_, &recovery_loop_})
    failures[loop->name()] = loop->failures();
  return failures;
}

// A look without a transaction first: most of the time nothing waits.
asio::awaitable<bool> GithubStages::report() {
  if (!co_await store::read(store_, [](store::ReadTx& tx) { return store::has_reports_to_write(tx); })) co_return false;
  const std::int64_t now_ms = clock_.now_ms();
  const bool written = co_await store::write(
      store_, [this, now_ms](store::Tx& tx) { return reporter::report_next(tx, reporting_, now_ms); });
  if (written) {
    crash_point(store::kCallsWritten);
    wake_sender();
  }
  co_return written;
}

asio::awaitable<bool> GithubStages::send() {
  if (sender_) co_return co_await sender_->step();
  const std::int64_t now_ms = clock_.now_ms();
  const auto due_ms = co_await store::read(store_, [](store::ReadTx& tx) { return store::next_call_due_ms(tx); });
  if (due_ms) co_await store::write(store_, [now_ms](store::Tx& tx) { sender::drop_calls(tx, now_ms); });
  co_return false;
}

asio::awaitable<bool> GithubStages::recover() {
  if (!recovery_) co_return false;
  co_return co_await recovery_->step();
}

}  // namespace smgate
