#include "server/http/server.hpp"

#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <utility>
#include <vector>

#include "common/log.hpp"
#include "server/http/connection.hpp"

namespace smgate::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::chrono::milliseconds kAcceptPause{100};  // out of file descriptors, or full: look again soon
constexpr auto kToTuple = asio::as_tuple(asio::use_awaitable);

boost::asio::awaitable<void> drain_connection(std::shared_ptr<Connection> connection) { co_await connection->drain(); }

}  // namespace

Server::Server(asio::any_io_executor executor, Router router, Deadlines deadlines, Observer observer,
               ErrorMap error_map)
    : executor_(executor), acceptor_(executor), pause_(executor), tasks_(std::move(executor)) {
  shared_.router = std::move(router);
  shared_.deadlines = deadlines;
  shared_.observer = std::move(observer);
  shared_.error_map = std::move(error_map);
}

Server::~Server() = default;

tcp::endpoint Server::listen(const std::string& address, std::uint16_t port) {
  const tcp::endpoint endpoint(asio::ip::make_address(address), port);
  try {
    acceptor_.open(endpoint.protocol());
    acceptor_.set_option(asio::socket_base::reuse_address(true));
    acceptor_.bind(endpoint);
    acceptor_.listen();
  } catch (const boost::system::system_error& error) {
    throw boost::system::system_error(error.code(), "listen on " + address + " port " + std::to_string(port));
  }
  return acceptor_.local_endpoint();
}

void Server::start() { tasks_.spawn("http accept", accept_loop()); }

asio::awaitable<void> Server::accept_loop() {
  while (!shared_.draining) {
    if (shared_.connections.size() >= kConnectionsMax) {  // the kernel's queue holds the next ones meanwhile
      pause_.expires_after(kAcceptPause);
      co_await pause_.async_wait(kToTuple);
      continue;
    }
    auto [error, socket] = co_await acceptor_.async_accept(kToTuple);
    if (shared_.draining) break;
    if (error) {
      spdlog::warn("cannot accept a connection what=\"{}\"", error.message());
      pause_.expires_after(kAcceptPause);
      co_await pause_.async_wait(kToTuple);
      continue;
    }
    boost::system::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);  // acknowledgements are small and waited for
    tasks_.spawn("http connection", serve_connection(std::move(socket), shared_));
  }
}

asio::awaitable<void> Server::stop() {
  shared_.draining = true;
  acceptor_.close();
  pause_.cancel();
  const std::vector<std::shared_ptr<Connection>> open(shared_.connections.begin(), shared_.connections.end());
  TaskGroup goodbyes(executor_);
  for (const auto& connection : open) goodbyes.spawn("http goodbye", drain_connection(connection));
  TaskGroup cutter(executor_);
  cutter.spawn("http cutter", cut_at_deadline());
  co_await goodbyes.wait();
  co_await tasks_.wait();
  cutter.cancel();
  co_await cutter.wait();
}

asio::awaitable<void> Server::cut_at_deadline() {
  asio::steady_timer timer(executor_);
  timer.expires_after(shared_.deadlines.drain);
  co_await timer.async_wait(asio::use_awaitable);
  spdlog::warn("cutting connections that did not end in time count={}", shared_.connections.size());
  const std::vector<std::shared_ptr<Connection>> open(shared_.connections.begin(), shared_.connections.end());
  for (const auto& connection : open) connection->drop();
}

}  // namespace smgate::http
