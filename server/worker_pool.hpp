// Blocking or long work off the network thread: `co_await on_pool(pool, f)` runs f on a thread of the pool and resumes
// the coroutine where it was. What f throws is thrown there.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <type_traits>
#include <utility>

namespace smgate {

namespace detail {
template <class F>
boost::asio::awaitable<std::optional<std::invoke_result_t<F>>> call(F f) {
  co_return f();
}
}  // namespace detail

// f must own what it uses or be awaited by whoever does: a coroutine that is cancelled still waits for it.
template <class F>
boost::asio::awaitable<std::invoke_result_t<F>> on_pool(boost::asio::thread_pool& pool, F f) {
  auto result =
      co_await boost::asio::co_spawn(pool.get_executor(), detail::call(std::move(f)), boost::asio::use_awaitable);
  co_return std::move(*result);
}

}  // namespace smgate
