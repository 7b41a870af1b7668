#include "server/github/exchange.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <optional>
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

using Until = std::chrono::steady_clock::time_point;
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

// A name server that never answers blocks a thread of Asio's own, and cannot be interrupted: its answer, if one comes
// after the deadline, finds that nobody waits.
struct LookUp {
  explicit LookUp(const asio::any_io_executor& executor) : resolver(executor), ended(executor) {}
  tcp::resolver resolver;
  asio::steady_timer ended;
  std::optional<error_code> error;
  tcp::resolver::results_type endpoints;
};

awaitable<std::shared_ptr<LookUp>> look_up(asio::any_io_executor executor, Url url, Until until) {
  auto look = std::make_shared<LookUp>(executor);
  look->ended.expires_at(until);
  look->resolver.async_resolve(url.host, std::to_string(url.port),
                               [look](const error_code& error, tcp::resolver::results_type endpoints) {
                                 look->error = error;
                                 look->endpoints = std::move(endpoints);
                                 look->ended.cancel();
                               });
  const auto [waited] = co_await look->ended.async_wait(kToTuple);
  if (!look->error) look->error = waited ? waited : beast::error::timeout;
  look->resolver.cancel();
  co_return look;
}

awaitable<error_code> connect(beast::tcp_stream& stream, Url url, Until until) {
  stream.expires_at(until);
  const auto look = co_await look_up(stream.get_executor(), std::move(url), until);
  if (*look->error) co_return *look->error;
  const auto [connect_error, endpoint] = co_await stream.async_connect(look->endpoints, kToTuple);
  co_return connect_error;
}

// OpenSSL's own words for what is wrong with the certificate.
NoAnswer not_trusted(SSL* ssl, const error_code& error) {
  NoAnswer none = failed("TLS", error, false);
  if (const long why = SSL_get_verify_result(ssl); why != X509_V_OK)
    none.what +=
        std::string(": ") + X509_verify_cert_error_string(why) + "; a company's own certificates are named by ca_file";
  return none;
}

// The name that was asked for must stand in the certificate.
bool expect_host(SSL* ssl, const std::string& host) {
  error_code no_address;
  asio::ip::make_address(host, no_address);
  if (!no_address) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
  return SSL_set_tlsext_host_name(ssl, host.c_str()) == 1 && SSL_set1_host(ssl, host.c_str()) == 1;
}

awaitable<Exchanged> exchange_tls(asio::any_io_executor executor, std::shared_ptr<asio::ssl::context> tls,
                                  Exchange exchange, Until until) {
  beast::ssl_stream<beast::tcp_stream> stream(executor, *tls);
  if (!expect_host(stream.native_handle(), exchange.url.host)) co_return NoAnswer{"TLS: no usable host name", false};
  if (const error_code error = co_await connect(stream.next_layer(), exchange.url, until))
    co_return failed("connect", error, false);
  const auto [shaken] = co_await stream.async_handshake(asio::ssl::stream_base::client, kToTuple);
  if (shaken) co_return not_trusted(stream.native_handle(), shaken);
  co_return co_await converse(stream, to_beast(std::move(exchange)));
}

awaitable<Exchanged> exchange_plain(asio::any_io_executor executor, Exchange exchange, Until until) {
  beast::tcp_stream stream(executor);
  if (const error_code error = co_await connect(stream, exchange.url, until)) co_return failed("connect", error, false);
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

Transport make_transport(asio::any_io_executor executor, const std::filesystem::path& ca_file,
                         std::chrono::milliseconds deadline) {
  return [executor, tls = make_tls(ca_file), deadline](Exchange exchange) {
    const Until until = std::chrono::steady_clock::now() + deadline;
    return exchange.url.tls ? exchange_tls(executor, tls, std::move(exchange), until)
                            : exchange_plain(executor, std::move(exchange), until);
  };
}

}  // namespace smgate::github
