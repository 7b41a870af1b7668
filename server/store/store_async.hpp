// The store for coroutines: `const auto run = co_await store::write(store, [=](store::Tx& tx) { return ...; });`
// The coroutine resumes on its own executor after the COMMIT; what the operation threw is thrown there. A coroutine
// that is waiting keeps its executor busy, so close the store before the io_context is destroyed. Any thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "server/store/store.hpp"

namespace smgate::store {

boost::asio::awaitable<void> await_write(Store& store, std::function<void(Tx&)> operation);
boost::asio::awaitable<void> await_read(Store& store, std::function<void(ReadTx&)> operation);

// `f` and what it returns live in the coroutine's frame, which the waiting operation owns.
template <class F>
boost::asio::awaitable<std::invoke_result_t<F, Tx&>> write(Store& store, F f) {
  if constexpr (std::is_void_v<std::invoke_result_t<F, Tx&>>) {
    co_await await_write(store, std::ref(f));
  } else {
    std::optional<std::invoke_result_t<F, Tx&>> result;
    co_await await_write(store, [&f, &result](Tx& tx) { result.emplace(f(tx)); });
    co_return std::move(*result);
  }
}

template <class F>
boost::asio::awaitable<std::invoke_result_t<F, ReadTx&>> read(Store& store, F f) {
  std::optional<std::invoke_result_t<F, ReadTx&>> result;
  co_await await_read(store, [&f, &result](ReadTx& tx) { result.emplace(f(tx)); });
  co_return std::move(*result);
}

}  // namespace smgate::store
