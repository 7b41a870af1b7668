#include "server/http/connection.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <optional>
#include <utility>

#include "common/log.hpp"
#include "server/http/beast_websocket.hpp"
#include "server/http/target.hpp"

namespace smgate::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = beast::http;

using Parser = bhttp::request_parser<bhttp::string_body>;
constexpr const char* kStopping = "the server stops; connect again later";
constexpr auto kToTuple = asio::as_tuple(asio::use_awaitable);

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

Fields copy_headers(const bhttp::fields& from) {
  Fields headers;
  for (const auto& field : from) {
    const auto [it, fresh] = headers.emplace(lower(field.name_string()), field.value());
    if (!fresh) it->second.append(", ").append(field.value());
  }
  return headers;
}

// What a browser must not do with an answer; a handler that serves a page says otherwise itself.
void add_security_headers(Response& response) {
  static const std::vector<std::pair<std::string, std::string>> kDefaults = {
      {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
      {"X-Content-Type-Options", "nosniff"},
      {"Referrer-Policy", "no-referrer"},
      {"Cache-Control", "no-store"}};
  for (const auto& header : kDefaults) {
    const bool set = std::any_of(response.headers.begin(), response.headers.end(),
                                 [&](const auto& other) { return beast::iequals(other.first, header.first); });
    if (!set) response.headers.push_back(header);
  }
}

// Counts a large body against the server's budget while it is held.
class BudgetShare {
 public:
  BudgetShare(std::size_t& used, std::size_t bytes) : used_(used), bytes_(bytes > kLargeBodyBytes ? bytes : 0) {
    granted_ = used_ + bytes_ <= kBodyBudgetBytes;
    if (granted_) used_ += bytes_;
  }
  ~BudgetShare() {
    if (granted_) used_ -= bytes_;
  }
  BudgetShare(const BudgetShare&) = delete;
  BudgetShare& operator=(const BudgetShare&) = delete;
  bool granted() const { return granted_; }

 private:
  std::size_t& used_;
  std::size_t bytes_;
  bool granted_;
};

class HttpConnection final : public Connection {
 public:
  HttpConnection(asio::ip::tcp::socket socket, Shared& shared) : stream_(std::move(socket)), shared_(shared) {}

  asio::awaitable<void> serve();
  asio::awaitable<void> drain() override;
  void drop() override;

 private:
  enum class Next { keep_alive, close, linger };

  asio::awaitable<bool> first_byte();
  asio::awaitable<Next> serve_request();
  asio::awaitable<Next> refuse_header(beast::error_code error);
  asio::awaitable<std::optional<Problem>> read_body(std::size_t bytes_max);
  asio::awaitable<Response> handle(const Route* route, Request request);
  asio::awaitable<Next> answer(std::string pattern, Response response, bool body_read);
  asio::awaitable<bool> send(unsigned version, bool head, bool keep_alive, Response response);
  asio::awaitable<bool> send_stream(std::shared_ptr<const BodyStream> body);
  asio::awaitable<bool> send_endless(std::shared_ptr<const BodyStream> body);
  asio::awaitable<void> converse(std::shared_ptr<const Upgrade> upgrade);
  asio::awaitable<void> linger();
  bool parse(Request& request, std::string& error) const;

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  Shared& shared_;
  bool idle_ = true;
  std::chrono::steady_clock::time_point began_;
  std::optional<Parser> parser_;  // of the request at hand
  std::unique_ptr<BeastWebSocket> websocket_;
};

asio::awaitable<void> HttpConnection::serve() {
  Next next = Next::keep_alive;
  while (next == Next::keep_alive) {
    const bool begun = co_await first_byte();
    next = Next::close;
    if (begun) next = co_await serve_request();
  }
  if (next == Next::linger) co_await linger();
  if (!websocket_) stream_.close();
}

asio::awaitable<void> HttpConnection::drain() {
  if (idle_) stream_.cancel();
  if (websocket_) co_await websocket_->close(CloseCode::going_away, kStopping);
}

void HttpConnection::drop() {
  if (websocket_)
    websocket_->drop();
  else
    stream_.close();
}

asio::awaitable<bool> HttpConnection::first_byte() {
  if (shared_.draining) co_return false;
  if (buffer_.size() > 0) co_return true;  // a pipelined request
  stream_.expires_after(shared_.deadlines.idle);
  const auto [error, size] = co_await stream_.async_read_some(buffer_.prepare(4096), kToTuple);
  buffer_.commit(size);
  co_return !error;
}

asio::awaitable<HttpConnection::Next> HttpConnection::serve_request() {
  idle_ = false;
  began_ = std::chrono::steady_clock::now();
  Parser& parser = parser_.emplace();
  parser.header_limit(kHeaderBytesMax);
  parser.body_limit(boost::none);  // until the route is known; nothing is read before
  stream_.expires_after(shared_.deadlines.header);
  const auto [error, size] = co_await bhttp::async_read_header(stream_, buffer_, parser, kToTuple);
  if (error) co_return co_await refuse_header(error);

  Request request;
  std::string broken;
  if (!parse(request, broken)) {
    const Problem problem{400, "bad-target", broken, "correct the address"};
    co_return co_await answer("", problem_response(problem, "/"), parser.is_done());
  }
  const std::string path = request.path;
  const Router::Match match = shared_.router.match(request.method, path);
  if (match.route == nullptr) {
    const bool method = !match.allow.empty();
    if (!method)
      if (std::optional<Response> other = shared_.router.answer_otherwise(request))
        co_return co_await answer("", std::move(*other), parser.is_done());
    const Problem problem = method ? Problem{405, "method-not-allowed", "this address does not serve " + request.method,
                                             "use one of: " + match.allow}
                                   : Problem{404, "no-such-address", "nothing is served at this address",
                                             "see schemas/openapi.yaml for what is"};
    Response response = problem_response(problem, path);
    if (method) response.headers.emplace_back("Allow", match.allow);
    co_return co_await answer("", std::move(response), parser.is_done());
  }
  BudgetShare share(shared_.body_bytes_in_flight, parser.is_done() ? 0 : match.route->body_bytes_max);
  if (!share.granted()) {
    const Problem problem{503, "too-many-bodies", "too many large requests are being read", "send it again later"};
    co_return co_await answer(match.route->pattern, problem_response(problem, path), false);
  }
  if (std::optional<Problem> refused = co_await read_body(match.route->body_bytes_max))
    co_return co_await answer(match.route->pattern, problem_response(*refused, path), false);
  request.body = std::move(parser.get().body());
  request.params = match.params;
  request.pattern = match.route->pattern;
  Response response = co_await handle(match.route, std::move(request));
  co_return co_await answer(match.route->pattern, std::move(response), true);
}

bool HttpConnection::parse(Request& request, std::string& error) const {
  const auto& message = parser_->get();
  Result<Target> target = parse_target(message.target());
  if (!target) {
    error = target.error().text();
    return false;
  }
  request.method = std::string(message.method_string());
  request.path = std::move(target->path);
  request.query = std::move(target->query);
  request.headers = copy_headers(message.base());
  beast::error_code ignored;
  const auto remote = stream_.socket().remote_endpoint(ignored);
  request.remote = ignored ? "" : remote.address().to_string();
  request.wants_websocket = beast::websocket::is_upgrade(message);
  return true;
}

asio::awaitable<HttpConnection::Next> HttpConnection::refuse_header(beast::error_code error) {
  Problem problem{400, "broken-request", "this is not HTTP: " + error.message(), "send an HTTP/1.1 request"};
  if (error == bhttp::error::header_limit)
    problem = {431, "header-too-large", "the header is larger than " + std::to_string(kHeaderBytesMax) + " bytes",
               "send fewer or shorter header fields"};
  else if (error.category() != bhttp::make_error_code(bhttp::error::bad_method).category() ||
           error == bhttp::error::end_of_stream || error == bhttp::error::partial_message)
    co_return Next::close;  // the peer is gone, or too slow: then the close is the answer
  const bool sent = co_await send(11, false, false, problem_response(problem, "/"));
  co_return sent ? Next::linger : Next::close;
}

asio::awaitable<std::optional<Problem>> HttpConnection::read_body(std::size_t bytes_max) {
  Parser& parser = *parser_;
  if (parser.is_done()) co_return std::nullopt;
  const Problem too_large{413, "body-too-large",
                          "the body is larger than the " + std::to_string(bytes_max) + " bytes this address takes",
                          "send a smaller one"};
  if (const auto length = parser.content_length(); length && *length > bytes_max) co_return too_large;
  if (beast::iequals(parser.get()[bhttp::field::expect], "100-continue")) {
    stream_.expires_after(shared_.deadlines.write);
    const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    co_await asio::async_write(stream_, asio::buffer(go_on), kToTuple);
  }
  parser.body_limit(bytes_max);
  stream_.expires_after(shared_.deadlines.body);
  const auto [error, size] = co_await bhttp::async_read(stream_, buffer_, parser, kToTuple);
  if (!error) co_return std::nullopt;
  if (error == bhttp::error::body_limit) co_return too_large;
  co_return Problem{400, "broken-body", "the body broke off: " + error.message(), "send it again"};
}

asio::awaitable<Response> HttpConnection::handle(const Route* route, Request request) {
  const std::string path = request.path;
  std::optional<Problem> problem;
  try {
    co_return co_await route->handler(std::move(request));
  } catch (const std::exception& error) {
    if (shared_.error_map) problem = shared_.error_map(error);
    if (!problem) {
      spdlog::error("a handler failed route=\"{} {}\" what=\"{}\"", route->method, route->pattern, error.what());
      problem = Problem{500, "internal-error", "the server failed to answer", "see its log; try again later"};
    }
  }
  co_return problem_response(*problem, path);
}

asio::awaitable<HttpConnection::Next> HttpConnection::answer(std::string pattern, Response response, bool body_read) {
  using std::chrono::steady_clock;
  const auto& request = parser_->get();
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - began_);
  if (shared_.observer) shared_.observer(pattern, response.status, took);
  spdlog::debug("answered method={} target=\"{}\" status={} ms={}", request.method_string(), request.target(),
                response.status, took.count());
  if (response.status == 101 && response.upgrade) {
    co_await converse(response.upgrade);
    co_return Next::close;
  }
  const bool endless = response.stream && response.stream->endless;
  const bool keep_alive = body_read && request.keep_alive() && !shared_.draining && !endless;
  const bool head = request.method() == bhttp::verb::head;
  const std::function<void()> after = std::move(response.after);
  const bool sent = co_await send(request.version(), head, keep_alive, std::move(response));
  if (after) after();
  idle_ = true;
  if (!sent) co_return Next::close;
  co_return keep_alive ? Next::keep_alive : body_read ? Next::close : Next::linger;
}

asio::awaitable<bool> HttpConnection::send(unsigned version, bool head, bool keep_alive, Response response) {
  add_security_headers(response);
  bhttp::response<bhttp::string_body> message;
  message.version(version);
  message.result(response.status);
  message.reason(std::string(reason_phrase(response.status)));
  message.set(bhttp::field::server, "smgate");
  if (!response.content_type.empty()) message.set(bhttp::field::content_type, response.content_type);
  for (const auto& [name, value] : response.headers) message.set(name, value);
  message.keep_alive(keep_alive);
  // Without a length the end of the connection is the end of the body (RFC 9112, 6.3); 304 has no body to measure.
  const bool endless = response.stream && response.stream->endless;
  if (!endless && response.status != 304)
    message.content_length(response.stream ? response.stream->length : response.body.size());
  if (!head && !response.stream) message.body() = std::move(response.body);
  stream_.expires_after(shared_.deadlines.write);
  const auto [error, size] = co_await bhttp::async_write(stream_, message, kToTuple);
  if (error) co_return false;
  if (head || !response.stream) co_return true;
  if (endless) co_return co_await send_endless(response.stream);
  co_return co_await send_stream(response.stream);
}

asio::awaitable<bool> HttpConnection::send_stream(std::shared_ptr<const BodyStream> body) {
  std::uint64_t sent = 0;
  while (sent < body->length) {
    const std::string piece = co_await body->next();
    if (piece.empty() || piece.size() > body->length - sent) co_return false;  // the peer sees it break off
    stream_.expires_after(shared_.deadlines.write);
    const auto [error, size] = co_await asio::async_write(stream_, asio::buffer(piece), kToTuple);
    if (error) co_return false;
    sent += piece.size();
  }
  co_return true;
}

asio::awaitable<bool> HttpConnection::send_endless(std::shared_ptr<const BodyStream> body) {
  while (!shared_.draining) {
    const std::string piece = co_await body->next();
    if (piece.empty()) break;
    stream_.expires_after(shared_.deadlines.write);
    const auto [error, size] = co_await asio::async_write(stream_, asio::buffer(piece), kToTuple);
    if (error) co_return false;
  }
  co_return true;
}

asio::awaitable<void> HttpConnection::converse(std::shared_ptr<const Upgrade> upgrade) {
  websocket_ = std::make_unique<BeastWebSocket>(std::move(stream_), *upgrade);
  const bool accepted = co_await websocket_->accept(parser_->get());
  if (!accepted) co_return;
  if (!shared_.draining) co_await upgrade->serve(*websocket_);
  if (shared_.draining)
    co_await websocket_->close(CloseCode::going_away, kStopping);
  else
    co_await websocket_->close(CloseCode::normal, "");
}

// Closing with unread bytes makes the kernel reset the connection, and the peer would never see the answer.
asio::awaitable<void> HttpConnection::linger() {
  beast::error_code ignored;
  stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  stream_.expires_after(kLingerMax);
  buffer_.clear();
  for (std::size_t dropped = 0; dropped < kLingerBytesMax;) {
    const auto [error, size] = co_await stream_.async_read_some(buffer_.prepare(kLargeBodyBytes), kToTuple);
    if (error) co_return;
    dropped += size;
  }
}

}  // namespace

asio::awaitable<void> serve_connection(asio::ip::tcp::socket socket, Shared& shared) {
  const auto connection = std::make_shared<HttpConnection>(std::move(socket), shared);
  shared.connections.insert(connection);
  try {
    co_await connection->serve();
  } catch (const std::exception& error) {
    spdlog::error("a connection failed what=\"{}\"", error.what());
  }
  shared.connections.erase(connection);
}

}  // namespace smgate::http
