// One connection, from accept to close: reads requests, finds their route, writes answers, turns into a WebSocket
// conversation where a handler says so. Network thread; owned by the coroutine that serves it and, for shutdown, by
// Shared::connections.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "server/http/server.hpp"

namespace smgate::http {

// How the server reaches a connection that is open.
class Connection {
 public:
  Connection() = default;
  virtual ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Idle: closes. Answering: ends after the answer, by itself. In a WebSocket conversation: says goodbye (1001).
  virtual boost::asio::awaitable<void> drain() = 0;
  virtual void drop() = 0;  // cuts the line
};

boost::asio::awaitable<void> serve_connection(boost::asio::ip::tcp::socket socket, Shared& shared);

}  // namespace smgate::http
