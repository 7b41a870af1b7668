// One stage's loop: run a step while it finds work, then wait for a wake-up or the period, whichever is first. A
// wake-up is a hint: rows say what is to do, and the period makes up for a hint that was lost. What a step throws is
// logged here, once, and the next try waits longer. Network thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace smgate {

class StageLoop {
 public:
  // True: there may be more to do at once.
  using Step = std::function<boost::asio::awaitable<bool>()>;

  StageLoop(boost::asio::any_io_executor executor, std::string name, std::chrono::milliseconds period, Step step);

  boost::asio::awaitable<void> run();  // until it is cancelled
  void wake();

  const std::string& name() const { return name_; }
  std::uint64_t failures() const { return failures_; }  // for /metrics

 private:
  std::string name_;
  std::chrono::milliseconds period_;
  Step step_;
  boost::asio::steady_timer timer_;
  bool woken_ = false;
  std::uint64_t failures_ = 0;
};

}  // namespace smgate
