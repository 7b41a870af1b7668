// Tokens for git, for source and scheduler: asked of GitHub when the first run or job needs one, kept in memory while
// enough of their hour is left, and nowhere else. Several repositories are asked for at the same time, so that none
// waits for another's. What GitHub refuses is tried again with back-off; why is in the repository's row, for people.
//
// A personal token may read everything that its owner may. It fetches for the coordinator, and no runner gets it.
// Owned by GithubStages; network thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "common/clock.hpp"
#include "server/config.hpp"
#include "server/github/client.hpp"
#include "server/http/task_group.hpp"
#include "server/store/access.hpp"
#include "server/store/store.hpp"

namespace smgate {

inline constexpr std::size_t kAskedMax = 16;                 // at the same time; the others come with the next look
inline constexpr std::int64_t kTokenLeft_ms = 1'200'000;     // what a lease's way to the runner and a checkout may need
inline constexpr std::int64_t kTakenForPublic_ms = 600'000;  // GitHub gives none, and nobody said that it is private
inline constexpr std::int64_t kQuietWait_ms = 5'000;         // for the second between writes; more is worth a word

class Keyring {
 public:
  // `client`: null where GitHub is not configured. `changed`: there is a token more, or a reason.
  Keyring(boost::asio::any_io_executor executor, const GithubConfig& config, const Clock& clock, store::Store& store,
          github::Client* client, std::function<void()> changed);

  void start(http::TaskGroup& tasks) { tasks_ = &tasks; }

  store::Keys for_source();
  store::Keys for_runners();
  // Each once at a time.
  void ask(const std::vector<store::Repository>& repositories);

 private:
  using Answer = std::variant<github::Token, github::NoToken>;

  boost::asio::awaitable<void> fetch(store::Repository repository);
  boost::asio::awaitable<Answer> token_for(github::Target target);
  boost::asio::awaitable<void> take(store::Repository repository, Answer answer);

  boost::asio::any_io_executor executor_;
  const Clock& clock_;
  store::Store& store_;
  github::Client* client_;
  std::function<void()> changed_;
  http::TaskGroup* tasks_ = nullptr;
  store::Keys keys_;
};

}  // namespace smgate
