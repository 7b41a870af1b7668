// The stage that speaks to GitHub: takes the outbox's next row, sends it, records what became of it. Owned by the
// composition root; network thread, one step at a time.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <variant>

#include "common/clock.hpp"
#include "server/github/client.hpp"
#include "server/sender/plan.hpp"
#include "server/store/store.hpp"

namespace smgate::sender {

class Sender {
 public:
  Sender(store::Store& store, github::Client& client, const Clock& clock);

  // One call, if one is due and the limits allow it; true: there may be more.
  boost::asio::awaitable<bool> step();

 private:
  boost::asio::awaitable<std::optional<Task>> begin();
  boost::asio::awaitable<void> finish(Task task, Conclusion conclusion);

  store::Store& store_;
  github::Client& client_;
  const Clock& clock_;
};

// Where neither an App nor a token is configured: what was enqueued is not sent, and its rows say so.
void drop_calls(store::Tx& tx, std::int64_t now_ms);

}  // namespace smgate::sender
