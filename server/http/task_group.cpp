#include "server/http/task_group.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <cassert>
#include <utility>

#include "common/log.hpp"

namespace smgate::http {
namespace {

void report(const std::string& name, const std::exception_ptr& error) {
  if (!error) return;
  try {
    std::rethrow_exception(error);
  } catch (const boost::system::system_error& cancelled) {
    if (cancelled.code() != boost::asio::error::operation_aborted)
      spdlog::error("a task ended by an error task={} what=\"{}\"", name, cancelled.what());
  } catch (const std::exception& other) {
    spdlog::error("a task ended by an error task={} what=\"{}\"", name, other.what());
  }
}

}  // namespace

TaskGroup::TaskGroup(boost::asio::any_io_executor executor) : executor_(executor), empty_(std::move(executor)) {
  empty_.expires_at(boost::asio::steady_timer::time_point::max());
}

TaskGroup::~TaskGroup() { assert(signals_.empty()); }

void TaskGroup::spawn(std::string name, boost::asio::awaitable<void> task) {
  const auto signal = signals_.emplace(signals_.end());
  boost::asio::co_spawn(executor_, std::move(task),
                        boost::asio::bind_cancellation_slot(
                            signal->slot(), [this, signal, name = std::move(name)](const std::exception_ptr& error) {
                              report(name, error);
                              ended(signal);
                            }));
}

void TaskGroup::ended(std::list<boost::asio::cancellation_signal>::iterator signal) {
  signals_.erase(signal);
  if (signals_.empty()) empty_.cancel();
}

void TaskGroup::cancel() {
  // A signal may end its coroutine at once, which erases it from the list.
  for (auto it = signals_.begin(); it != signals_.end();) (it++)->emit(boost::asio::cancellation_type::terminal);
}

boost::asio::awaitable<void> TaskGroup::wait() {
  while (!signals_.empty()) co_await empty_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
}

}  // namespace smgate::http
