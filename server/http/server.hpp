// The HTTP/1.1 server: listens, keeps every connection in a task group, and stops in one way: stop accepting, let
// requests in flight finish, say goodbye to WebSockets (1001), and after the deadline cut what is left.
//
// Owned by the composition root; everything on the io_context's one thread. The router must not change after start().
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "server/http/message.hpp"
#include "server/http/router.hpp"
#include "server/http/task_group.hpp"

namespace smgate::http {

inline constexpr std::size_t kHeaderBytesMax = 16U << 10U;    // GitHub's webhooks carry some 1.5 KB of headers
inline constexpr std::size_t kWebhookBytesMax = 25U << 20U;   // GitHub delivers nothing larger
inline constexpr std::size_t kLargeBodyBytes = 64U << 10U;    // bodies above count against the budget
inline constexpr std::size_t kBodyBudgetBytes = 256U << 20U;  // ten of the largest webhooks at once
inline constexpr std::size_t kConnectionsMax = 12'000;        // 10,000 runners, and room for people
inline constexpr std::size_t kLingerBytesMax = 32U << 20U;    // read and dropped after a refusal, so that it arrives
inline constexpr std::chrono::milliseconds kLingerMax{2'000};

struct Deadlines {
  std::chrono::milliseconds idle{60'000};    // between two requests of a connection
  std::chrono::milliseconds header{10'000};  // from a request's first byte to its header's end
  std::chrono::milliseconds body{60'000};    // 25 MiB at 3.5 Mbit/s
  std::chrono::milliseconds write{60'000};   // one piece of an answer
  std::chrono::milliseconds drain{10'000};   // stop: for requests in flight and goodbyes
};

// What /metrics wants to know of each answer: the route's pattern, or "" where none served.
using Observer = std::function<void(const std::string& pattern, unsigned status, std::chrono::milliseconds took)>;

// The problem document for an exception that a handler is known to throw (a store that is busy); nullopt: a 500.
using ErrorMap = std::function<std::optional<Problem>(const std::exception& error)>;

class Connection;

// What connections share. Theirs to use, the server's to own.
struct Shared {
  Router router;
  Deadlines deadlines;
  Observer observer;  // may be empty, as may error_map
  ErrorMap error_map;
  bool draining = false;
  std::size_t body_bytes_in_flight = 0;
  std::set<std::shared_ptr<Connection>> connections;
};

class Server {
 public:
  Server(boost::asio::any_io_executor executor, Router router, Deadlines deadlines, Observer observer,
         ErrorMap error_map);
  ~Server();

  // Binds and listens; throws boost::system::system_error that names the address. Port 0: any free one.
  boost::asio::ip::tcp::endpoint listen(const std::string& address, std::uint16_t port);
  void start();
  // Ends when no connection is left.
  boost::asio::awaitable<void> stop();

  const Router& router() const { return shared_.router; }
  std::size_t open_connections() const { return shared_.connections.size(); }

 private:
  boost::asio::awaitable<void> accept_loop();
  boost::asio::awaitable<void> cut_at_deadline();

  boost::asio::any_io_executor executor_;
  Shared shared_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  TaskGroup tasks_;
};

}  // namespace smgate::http
