#include "server/github/exchange.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <stdexcept>

namespace smgate::github {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = beast::http;
using asio::awaitable;
using asio::ip::tcp;
using beast::error_code;
constexpr auto kToTuple = asio::as_tuple(asio::use_awaitable);

using BeastRequest = bhttp::request<bhttp::string_body>;

BeastRequest to_beast(Exchange exchange) {
  BeastRequest request(bhttp::string_to_verb(exchange.method), exchange.url.target, 11);
  const bool default_port = exchange.url.port == (exchange.url.tls ? 443 : 80);
  request.set(bhttp::field::host,
              default_port ? exchange.url.host : exchange.url.host + ":" + std::to_string(exchange.url.port));
  request.set(bhttp::field::connection, "close");
  for (const auto& [name, value] : exchange.headers) request.set(name, value);
  request.body() = std::move(exchange.body);
  request.prepare_payload();
  return request;
}

Answer to_answer(bhttp::response<bhttp::string_body> response) {
  Answer answer;
  answer.status = response.result_int();
  for (const auto& field : response) {
    std::string name(field.name_string());
    for (char& c : name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const auto [it, fresh] = answer.headers.emplace(std::move(name), field.value());
    if (!fresh) it->second.append(", ").append(field.value());
  }
  answer.body = std::move(response.body());
  return answer;
}

NoAnswer failed(const char* doing, const error_code& error, bool sent) {
  const bool late = error == beast::error::timeout;
  return {std::string(doing) + ": " + (late ? "no answer in time" : error.message()), sent};
}

template <class Stream>
awaitable<Exchanged> converse(Stream& stream, BeastRequest request) {
  const auto [write_error, written] = co_await bhttp::async_write(stream, request, kToTuple);
  if (write_error) co_return failed("send", write_error, true);
  beast::flat_buffer buffer;
  bhttp::response_parser<bhttp::string_body> parser;
  parser.body_limit(kAnswerBytesMax);
  parser.header_limit(kAnswerHeaderBytesMax);
  const auto [read_error, read] = co_await bhttp::async_read(stream, buffer, parser, kToTuple);
  if (read_error) co_return failed("read the answer", read_error, true);
  co_return to_answer(parser.release());
}

awaitable<error_code> connect(beast::tcp_stream& stream, Url url) {
  tcp::resolver resolver(stream.get_executor());
  const auto [resolve_error, endpoints] = co_await resolver.async_resolve(url.host, std::to_string(url.port), kToTuple);
  if (resolve_error) co_return resolve_error;
  const auto [connect_error, endpoint] = co_await stream.async_connect(endpoints, kToTuple);
  co_return connect_error;
}

// The name that was asked for must stand in the certificate.
bool expect_host(SSL* ssl, const std::string& host) {
  error_code no_address;
  asio::ip::make_address(host, no_address);
  if (!no_address) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
  return SSL_set_tlsext_host_name(ssl, host.c_str()) == 1 && SSL_set1_host(ssl, host.c_str()) == 1;
}

awaitable<Exchanged> exchange_tls(asio::any_io_executor executor, std::shared_ptr<asio::ssl::context> tls,
                                  Exchange exchange) {
  beast::ssl_stream<beast::tcp_stream> stream(executor, *tls);
  beast::tcp_stream& lowest = stream.next_layer();
  lowest.expires_after(kExchangeDeadline);
  if (!expect_host(stream.native_handle(), exchange.url.host)) co_return NoAnswer{"TLS: no usable host name", false};
  if (const error_code error = co_await connect(lowest, exchange.url)) co_return failed("connect", error, false);
  const auto [shaken] = co_await stream.async_handshake(asio::ssl::stream_base::client, kToTuple);
  if (shaken) co_return failed("TLS", shaken, false);
  co_return co_await converse(stream, to_beast(std::move(exchange)));
}

awaitable<Exchanged> exchange_plain(asio::any_io_executor executor, Exchange exchange) {
  beast::tcp_stream stream(executor);
  stream.expires_after(kExchangeDeadline);
  if (const error_code error = co_await connect(stream, exchange.url)) co_return failed("connect", error, false);
  co_return co_await converse(stream, to_beast(std::move(exchange)));
}

std::shared_ptr<asio::ssl::context> make_tls(const std::filesystem::path& ca_file) {
  auto tls = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  tls->set_verify_mode(asio::ssl::verify_peer);
  SSL_CTX_set_min_proto_version(tls->native_handle(), TLS1_2_VERSION);
  error_code error;
  if (ca_file.empty())
    tls->set_default_verify_paths(error);
  else
    tls->load_verify_file(ca_file.string(), error);
  if (error)
    throw std::runtime_error("no certificates to trust in " +
                             (ca_file.empty() ? std::string("the system's store") : ca_file.string()) + ": " +
                             error.message());
  return tls;
}

}  // namespace

Transport make_transport(asio::any_io_executor executor, const std::filesystem::path& ca_file) {
  return [executor, tls = make_tls(ca_file)](Exchange exchange) {
    return exchange.url.tls ? exchange_tls(executor, tls, std::move(exchange))
                            : exchange_plain(executor, std::move(exchange));
  };
}

}  // namespace smgate::github
