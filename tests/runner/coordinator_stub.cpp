#include "tests/runner/coordinator_stub.hpp"

#include <poll.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <optional>

namespace smgate::test {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

struct CoordinatorStub::Impl {
  asio::io_context io;
  tcp::acceptor acceptor{io, {asio::ip::make_address("127.0.0.1"), 0}};
  std::optional<beast::websocket::stream<tcp::socket>> socket;
};

CoordinatorStub::CoordinatorStub() : impl_(std::make_unique<Impl>()) {}
CoordinatorStub::~CoordinatorStub() = default;

int CoordinatorStub::port() const { return impl_->acceptor.local_endpoint().port(); }

bool CoordinatorStub::wait_for_connection(const std::function<bool()>& give_up) {
  constexpr int kPollMs = 20;
  pollfd source{impl_->acceptor.native_handle(), POLLIN, 0};
  while (poll(&source, 1, kPollMs) <= 0)
    if (give_up()) return false;
  return true;
}

std::string CoordinatorStub::accept() {
  impl_->socket.emplace(impl_->acceptor.accept());
  beast::flat_buffer buffer;
  http::request<http::string_body> request;
  http::read(impl_->socket->next_layer(), buffer, request);
  impl_->socket->accept(request);
  return std::string(request[http::field::authorization]);
}

void CoordinatorStub::decline(int status) {
  tcp::socket socket = impl_->acceptor.accept();
  beast::flat_buffer buffer;
  http::request<http::string_body> request;
  http::read(socket, buffer, request);
  http::response<http::string_body> response(static_cast<http::status>(status), 11, "no");
  response.prepare_payload();
  http::write(socket, response);
}

protocol::Hello CoordinatorStub::greet() {
  accept();
  protocol::Hello hello = std::get<protocol::Hello>(read());
  send(protocol::Welcome{50, 60'000});
  return hello;
}

void CoordinatorStub::send(const protocol::FromCoordinator& message) {
  impl_->socket->text(true);
  impl_->socket->write(asio::buffer(protocol::to_text(message)));
}

protocol::FromRunner CoordinatorStub::read() {
  beast::flat_buffer buffer;
  impl_->socket->read(buffer);
  return protocol::parse_from_runner(beast::buffers_to_string(buffer.data())).value();
}

protocol::Item CoordinatorStub::item() {
  while (true) {
    protocol::FromRunner message = read();
    if (auto* item = std::get_if<protocol::Item>(&message)) return std::move(*item);
  }
}

protocol::Heartbeat CoordinatorStub::heartbeat() {
  while (true) {
    protocol::FromRunner message = read();
    if (auto* beat = std::get_if<protocol::Heartbeat>(&message)) return std::move(*beat);
  }
}

void CoordinatorStub::drop() { impl_->socket.reset(); }

}  // namespace smgate::test
