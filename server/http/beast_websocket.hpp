// WebSocket by Beast. Included by connection.cpp and beast_websocket.cpp alone: it pulls in Beast.
#pragma once

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <optional>
#include <string>

#include "server/http/message.hpp"
#include "server/http/websocket.hpp"

namespace smgate::http {

class BeastWebSocket final : public WebSocket {
 public:
  BeastWebSocket(boost::beast::tcp_stream stream, const Upgrade& upgrade);

  // Answers 101; false where the peer is gone.
  boost::asio::awaitable<bool> accept(const boost::beast::http::request<boost::beast::http::string_body>& request);

  boost::asio::awaitable<std::optional<std::string>> read() override;
  boost::asio::awaitable<bool> write(std::string text) override;
  boost::asio::awaitable<void> close(CloseCode code, std::string reason) override;
  void drop() override;

 private:
  boost::beast::websocket::stream<boost::beast::tcp_stream> stream_;
  boost::beast::flat_buffer buffer_;
  bool over_ = false;
};

}  // namespace smgate::http
