#include "server/http/beast_websocket.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <chrono>
#include <utility>

namespace smgate::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;

constexpr std::size_t kCloseReasonMax = 123;      // a control frame holds 125 bytes, two are the code
constexpr std::chrono::seconds kHandshakeMax{5};  // for the upgrade's answer, and for the peer's goodbye
constexpr auto kToTuple = asio::as_tuple(asio::use_awaitable);

void set_options(websocket::stream<beast::tcp_stream>& stream, const Upgrade& upgrade) {
  websocket::stream_base::timeout timeout{};
  timeout.handshake_timeout = kHandshakeMax;
  timeout.idle_timeout = upgrade.silence_max;
  timeout.keep_alive_pings = false;  // the protocol on top has a heartbeat of its own
  stream.set_option(timeout);
  stream.read_message_max(upgrade.message_bytes_max);
  stream.text(true);
}

std::string cut_at_character(std::string text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  while (bytes_max > 0 && (static_cast<unsigned char>(text[bytes_max]) & 0xC0U) == 0x80U) --bytes_max;
  text.resize(bytes_max);
  return text;
}

}  // namespace

BeastWebSocket::BeastWebSocket(beast::tcp_stream stream, const Upgrade& upgrade) : stream_(std::move(stream)) {
  beast::get_lowest_layer(stream_).expires_never();  // the stream keeps its own deadlines from here on
  set_options(stream_, upgrade);
}

asio::awaitable<bool> BeastWebSocket::accept(const beast::http::request<beast::http::string_body>& request) {
  const auto [error] = co_await stream_.async_accept(request, kToTuple);
  over_ = static_cast<bool>(error);
  co_return !error;
}

asio::awaitable<std::optional<std::string>> BeastWebSocket::read() {
  const auto [error, size] = co_await stream_.async_read(buffer_, kToTuple);
  if (error || over_) {
    over_ = true;
    co_return std::nullopt;
  }
  if (!stream_.got_text()) {
    co_await close(CloseCode::policy_violation, "send text messages");
    co_return std::nullopt;
  }
  std::string text = beast::buffers_to_string(buffer_.data());
  buffer_.consume(buffer_.size());
  co_return text;
}

asio::awaitable<bool> BeastWebSocket::write(std::string text) {
  if (over_) co_return false;
  const auto [error, size] = co_await stream_.async_write(asio::buffer(text), kToTuple);
  if (error) over_ = true;
  co_return !error;
}

asio::awaitable<void> BeastWebSocket::close(CloseCode code, std::string reason) {
  if (std::exchange(over_, true)) co_return;
  const websocket::close_reason why(static_cast<websocket::close_code>(code),
                                    cut_at_character(std::move(reason), kCloseReasonMax));
  co_await stream_.async_close(why, kToTuple);
}

void BeastWebSocket::drop() {
  over_ = true;
  beast::get_lowest_layer(stream_).close();
}

}  // namespace smgate::http
