#include "server/stage_loop.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <utility>

#include "common/log.hpp"

namespace smgate {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

constexpr milliseconds kBackOffFirst{100};
constexpr milliseconds kBackOffMax{30'000};  // a full disk that was cleared is noticed soon enough

}  // namespace

StageLoop::StageLoop(asio::any_io_executor executor, std::string name, milliseconds period, Step step)
    : name_(std::move(name)), period_(period), step_(std::move(step)), timer_(std::move(executor)) {}

asio::awaitable<void> StageLoop::run() {
  milliseconds back_off = kBackOffFirst;
  for (;;) {
    woken_ = false;
    bool more = false;
    std::string failure;
    try {
      more = co_await step_();
    } catch (const boost::system::system_error& error) {
      if (error.code() == asio::error::operation_aborted) throw;
      failure = error.what();
    } catch (const std::exception& error) {
      failure = error.what();
    }
    if (failure.empty()) {
      back_off = kBackOffFirst;
      if (more || woken_) continue;
      timer_.expires_after(period_);
    } else {
      ++failures_;
      spdlog::error("a stage failed, and tries again stage={} in_ms={} what=\"{}\"", name_, back_off.count(), failure);
      timer_.expires_after(back_off);
      back_off = std::min(back_off * 2, kBackOffMax);
    }
    co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

void StageLoop::wake() {
  woken_ = true;
  timer_.cancel();
}

}  // namespace smgate
