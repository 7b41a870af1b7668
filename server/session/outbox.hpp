// What waits to be sent to one runner: filled by the session, the scheduler and the heartbeat loop, emptied by the
// session's writer. Bounded: a runner that does not read is cut off. Network thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <optional>
#include <string>

#include "common/protocol/messages.hpp"
#include "server/http/websocket.hpp"

namespace smgate::session {

// Acknowledgements of a whole window, and room for assignments, cancellations and refusals.
inline constexpr std::size_t kOutboxMax = 4 * protocol::kItemsUnacknowledgedMax;

class Outbox {
 public:
  // `socket` must stay until detach().
  Outbox(boost::asio::any_io_executor executor, http::WebSocket* socket);

  // False where the session is over, or is now because the outbox was full.
  bool push(protocol::FromCoordinator message);
  // What was pushed before is sent, then the goodbye.
  void close(http::CloseCode code, std::string reason);
  void detach() { socket_ = nullptr; }

  // The writer's side: nullopt once it is closed and empty.
  boost::asio::awaitable<std::optional<protocol::FromCoordinator>> next();
  http::CloseCode close_code() const { return close_code_; }
  const std::string& close_reason() const { return close_reason_; }

 private:
  std::deque<protocol::FromCoordinator> messages_;
  boost::asio::steady_timer filled_;  // expires never; cancelled when something came
  http::WebSocket* socket_;
  bool closed_ = false;
  http::CloseCode close_code_ = http::CloseCode::normal;
  std::string close_reason_;
};

}  // namespace smgate::session
