#include "tests/support/http_client.hpp"

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <chrono>
#include <stdexcept>

namespace smgate::test {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using beast::error_code;

constexpr std::chrono::seconds kDeadline{30};  // beyond what any sanitizer makes of a second
constexpr std::uint64_t kBodyMax = 128U << 20U;

asio::ip::tcp::endpoint loopback(std::uint16_t port) { return {asio::ip::address_v4::loopback(), port}; }

// Runs one asynchronous operation of a stream to its end, so that the stream's deadline counts.
template <class Start>
error_code complete(asio::io_context& io, beast::tcp_stream& stream, Start start) {
  error_code result;
  stream.expires_after(kDeadline);
  start([&result](const error_code& error, auto&&...) { result = error; });
  io.restart();
  io.run();
  if (result == beast::error::timeout) throw std::runtime_error("the peer did not answer within the test's deadline");
  return result;
}

void check(const error_code& error, const char* doing) {
  if (error) throw std::runtime_error(std::string(doing) + ": " + error.message());
}

template <class Message>
HttpAnswer to_answer(const Message& message) {
  HttpAnswer answer{message.result_int(), {}, {}};
  for (const auto& field : message) {
    std::string name(field.name_string());
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    answer.headers[name] = std::string(field.value());
  }
  answer.body = message.body();
  return answer;
}

}  // namespace

struct RawConnection::Impl {
  asio::io_context io;
  beast::tcp_stream stream{io};
  beast::flat_buffer buffer;
};

RawConnection::RawConnection(std::uint16_t port) : impl_(std::make_unique<Impl>()) {
  check(complete(impl_->io, impl_->stream,
                 [&](auto done) { impl_->stream.async_connect(loopback(port), std::move(done)); }),
        "connect");
}
RawConnection::~RawConnection() = default;

void RawConnection::send(std::string_view bytes) {
  // A server that refuses early may have closed already: what it said still can be read.
  complete(impl_->io, impl_->stream, [&](auto done) {
    asio::async_write(impl_->stream, asio::buffer(bytes.data(), bytes.size()), std::move(done));
  });
}

HttpAnswer RawConnection::answer(bool head) {
  http::response_parser<http::string_body> parser;
  parser.body_limit(kBodyMax);
  parser.skip(head);
  check(complete(impl_->io, impl_->stream,
                 [&](auto done) { http::async_read(impl_->stream, impl_->buffer, parser, std::move(done)); }),
        "read an answer");
  return to_answer(parser.get());
}

std::string RawConnection::read_until(const std::string& text) {
  for (;;) {
    const std::string come = beast::buffers_to_string(impl_->buffer.data());
    if (const std::size_t at = come.find(text); at != std::string::npos) {
      impl_->buffer.consume(at + text.size());
      return come.substr(0, at + text.size());
    }
    check(complete(impl_->io, impl_->stream,
                   [&](auto done) {
                     impl_->stream.async_read_some(impl_->buffer.prepare(4096),
                                                   [this, done](const error_code& error, std::size_t size) mutable {
                                                     impl_->buffer.commit(size);
                                                     done(error);
                                                   });
                   }),
          "read a stream");
  }
}

bool RawConnection::closed_by_peer() {
  const error_code error = complete(impl_->io, impl_->stream, [&](auto done) {
    impl_->stream.async_read_some(impl_->buffer.prepare(1), std::move(done));
  });
  return static_cast<bool>(error);
}

HttpAnswer http_request(std::uint16_t port, const std::string& method, const std::string& target,
                        const Headers& headers, const std::string& body) {
  RawConnection connection(port);
  std::string request = method + " " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n";
  for (const auto& [name, value] : headers) request += name + ": " + value + "\r\n";
  if (!body.empty()) request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  connection.send(request + "\r\n" + body);
  return connection.answer(method == "HEAD");
}

struct WebSocketClient::Impl {
  asio::io_context io;
  websocket::stream<beast::tcp_stream> socket{io};
  beast::flat_buffer buffer;
  beast::tcp_stream& stream() { return socket.next_layer(); }
};

WebSocketClient::WebSocketClient() : impl_(std::make_unique<Impl>()) {}
WebSocketClient::~WebSocketClient() = default;

std::optional<HttpAnswer> WebSocketClient::connect(std::uint16_t port, const std::string& target,
                                                   const Headers& headers) {
  check(complete(impl_->io, impl_->stream(),
                 [&](auto done) { impl_->stream().async_connect(loopback(port), std::move(done)); }),
        "connect");
  impl_->socket.set_option(websocket::stream_base::decorator([&headers](websocket::request_type& request) {
    for (const auto& [name, value] : headers) request.set(name, value);
  }));
  websocket::response_type response;
  const error_code error = complete(impl_->io, impl_->stream(), [&](auto done) {
    impl_->socket.async_handshake(response, "127.0.0.1", target, std::move(done));
  });
  if (error == websocket::error::upgrade_declined) return to_answer(response);
  check(error, "upgrade");
  return std::nullopt;
}

void WebSocketClient::send(const std::string& text) {
  check(complete(impl_->io, impl_->stream(),
                 [&](auto done) { impl_->socket.async_write(asio::buffer(text), std::move(done)); }),
        "send");
}

std::string WebSocketClient::receive() {
  const error_code error = complete(impl_->io, impl_->stream(),
                                    [&](auto done) { impl_->socket.async_read(impl_->buffer, std::move(done)); });
  check(error, "receive");
  std::string text = beast::buffers_to_string(impl_->buffer.data());
  impl_->buffer.consume(impl_->buffer.size());
  return text;
}

WebSocketClient::Closed WebSocketClient::closed() {
  error_code error;
  while (!error) {
    error = complete(impl_->io, impl_->stream(),
                     [&](auto done) { impl_->socket.async_read(impl_->buffer, std::move(done)); });
    impl_->buffer.consume(impl_->buffer.size());
  }
  if (error != websocket::error::closed) return {};
  return {impl_->socket.reason().code, impl_->socket.reason().reason.c_str()};
}

void WebSocketClient::drop() { impl_->stream().close(); }

}  // namespace smgate::test
