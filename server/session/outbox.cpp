#include "server/session/outbox.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace smgate::session {

namespace asio = boost::asio;

Outbox::Outbox(asio::any_io_executor executor, http::WebSocket* socket)
    : filled_(std::move(executor)), socket_(socket) {
  filled_.expires_at(asio::steady_timer::time_point::max());
}

bool Outbox::push(protocol::FromCoordinator message) {
  if (closed_) return false;
  if (messages_.size() >= kOutboxMax) {
    messages_.clear();
    closed_ = true;
    filled_.cancel();
    if (socket_ != nullptr) socket_->drop();
    return false;
  }
  messages_.push_back(std::move(message));
  filled_.cancel();
  return true;
}

void Outbox::close(http::CloseCode code, std::string reason) {
  if (std::exchange(closed_, true)) return;
  close_code_ = code;
  close_reason_ = std::move(reason);
  filled_.cancel();
}

asio::awaitable<std::optional<protocol::FromCoordinator>> Outbox::next() {
  while (messages_.empty() && !closed_) co_await filled_.async_wait(asio::as_tuple(asio::use_awaitable));
  if (messages_.empty()) co_return std::nullopt;
  protocol::FromCoordinator message = std::move(messages_.front());
  messages_.pop_front();
  co_return message;
}

}  // namespace smgate::session
