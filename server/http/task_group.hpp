// Owns coroutines: whoever spawns one here can ask all to end and wait until they have. So that nothing outlives what
// it uses: shutdown is cancel, wait, end. Used on one thread, that of its executor's io_context.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <list>
#include <string>

namespace smgate::http {

class TaskGroup {
 public:
  explicit TaskGroup(boost::asio::any_io_executor executor);
  ~TaskGroup();  // asserts that it is empty
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // What the coroutine throws is logged under `name`, unless it is the cancellation.
  void spawn(std::string name, boost::asio::awaitable<void> task);
  // Every pending wait throws operation_aborted, as does the next one of a coroutine that is not waiting.
  void cancel();
  // Until no coroutine is left.
  boost::asio::awaitable<void> wait();

  std::size_t size() const { return signals_.size(); }

 private:
  void ended(std::list<boost::asio::cancellation_signal>::iterator signal);

  boost::asio::any_io_executor executor_;
  std::list<boost::asio::cancellation_signal> signals_;  // one a coroutine
  boost::asio::steady_timer empty_;                      // expires never; cancelled when the last coroutine ends
};

}  // namespace smgate::http
