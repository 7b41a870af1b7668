#include "runner/ask/client.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl.hpp>
#include <chrono>
#include <stdexcept>

namespace smgate::ask {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using beast::error_code;

constexpr std::chrono::seconds kDeadline{60};     // of each step
constexpr std::uint64_t kBodyMax = 256U << 20U;  // the largest answers are logs of 64 MB

class Call {
 public:
  explicit Call(const Server& server) : server_(server) {}

  Answer run(const http::request<http::string_body>& request) {
    asio::ip::tcp::resolver resolver(io_);
    const auto addresses = resolver.resolve(server_.host, server_.port);
    if (!server_.tls) {
      beast::tcp_stream stream(io_);
      connect(stream, addresses);
      return exchange(stream, stream, request);
    }
    asio::ssl::context tls(asio::ssl::context::tls_client);
    tls.set_verify_mode(asio::ssl::verify_peer);
    if (server_.ca_file.empty())
      tls.set_default_verify_paths();
    else
      tls.load_verify_file(server_.ca_file);
    beast::ssl_stream<beast::tcp_stream> stream(io_, tls);
    if (SSL_set_tlsext_host_name(stream.native_handle(), server_.host.c_str()) != 1)
      throw std::runtime_error("TLS does not take the name " + server_.host);
    stream.set_verify_callback(asio::ssl::host_name_verification(server_.host));
    connect(stream.next_layer(), addresses);
    complete(stream.next_layer(), "shake hands",
             [&](auto done) { stream.async_handshake(asio::ssl::stream_base::client, std::move(done)); });
    return exchange(stream, stream.next_layer(), request);
  }

 private:
  // Runs one asynchronous operation to its end, so that the deadline counts.
  template <class Start>
  void complete(beast::tcp_stream& stream, const char* doing, Start start) {
    error_code result;
    stream.expires_after(kDeadline);
    start([&result](const error_code& error, auto&&...) { result = error; });
    io_.restart();
    io_.run();
    if (result) throw std::runtime_error(std::string("cannot ") + doing + ": " + result.message());
  }

  void connect(beast::tcp_stream& stream, const asio::ip::tcp::resolver::results_type& addresses) {
    complete(stream, "connect", [&](auto done) { stream.async_connect(addresses, std::move(done)); });
  }

  template <class Stream>
  Answer exchange(Stream& stream, beast::tcp_stream& socket, const http::request<http::string_body>& request) {
    complete(socket, "send", [&](auto done) { http::async_write(stream, request, std::move(done)); });
    beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.body_limit(kBodyMax);
    complete(socket, "read the answer", [&](auto done) { http::async_read(stream, buffer, parser, std::move(done)); });
    return {parser.get().result_int(), parser.get().body()};
  }

  const Server& server_;
  asio::io_context io_{1};
};

}  // namespace

Result<Server> parse_server(const std::string& url) {
  const Error mistake{"\"" + url + "\" is no address of a server", "", "give http://HOST:PORT or https://HOST"};
  Server server;
  server.tls = url.starts_with("https://");
  if (!server.tls && !url.starts_with("http://")) return mistake;
  std::string rest = url.substr(server.tls ? 8 : 7);
  while (rest.ends_with('/')) rest.pop_back();
  const std::size_t bracket = rest.find(']');  // [::1]:8080
  const std::size_t colon = rest.find(':', bracket == std::string::npos ? 0 : bracket);
  server.host = rest.substr(0, colon);
  server.port = colon == std::string::npos ? (server.tls ? "443" : "80") : rest.substr(colon + 1);
  if (server.host.size() > 2 && server.host.front() == '[') server.host = server.host.substr(1, server.host.size() - 2);
  if (server.host.empty() || server.port.empty() || rest.find('/') != std::string::npos) return mistake;
  return server;
}

Result<Answer> send(const Server& server, const std::string& method, const std::string& target, const Headers& headers,
                    const std::string& body) {
  http::request<http::string_body> request;
  request.method_string(method);
  request.target(target);
  request.version(11);
  request.set(http::field::host, server.host);
  request.set(http::field::user_agent, "smgate-runner");
  request.keep_alive(false);
  if (!server.token.empty()) request.set(http::field::authorization, "Bearer " + server.token);
  for (const auto& [name, value] : headers) request.set(name, value);
  request.body() = body;
  if (method != "GET") request.prepare_payload();
  try {
    return Call(server).run(request);
  } catch (const std::exception& error) {
    return Error{error.what(), server.host + ":" + server.port, "is the address right, and does the server run?"};
  }
}

}  // namespace smgate::ask
