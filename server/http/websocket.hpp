// A WebSocket conversation as its coroutine sees it (RFC 6455), without Beast's headers. Made by the server for one
// connection; network thread. A read, a write and a close may be pending at once, one of each.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>

namespace smgate::http {

enum class CloseCode : unsigned short {
  normal = 1000,
  going_away = 1001,  // the server stops
  policy_violation = 1008,
  too_big = 1009,
  internal_error = 1011,
  try_again_later = 1013,
};

class WebSocket {
 public:
  virtual ~WebSocket() = default;

  // The next text message; nullopt once the conversation is over, for whatever reason: the peer closed, went silent,
  // sent too much, or this side closed.
  virtual boost::asio::awaitable<std::optional<std::string>> read() = 0;
  // False once the conversation is over.
  virtual boost::asio::awaitable<bool> write(std::string text) = 0;
  // Says goodbye and waits, not for long, until the peer does. The reason (at most 123 bytes) reaches the peer.
  virtual boost::asio::awaitable<void> close(CloseCode code, std::string reason) = 0;
  // Ends it at once; pending calls return.
  virtual void drop() = 0;
};

}  // namespace smgate::http
