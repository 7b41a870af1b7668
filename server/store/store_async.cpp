#include "server/store/store_async.hpp"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>

namespace smgate::store {
namespace {

namespace asio = boost::asio;

// Hands the operation to the store; completes on the handler's executor, which is kept running until then.
struct Initiate {
  template <class Handler>
  void operator()(Handler handler, const std::function<void(Store::Done)>& submit) const {
    auto guard = asio::make_work_guard(asio::get_associated_executor(handler));
    auto shared = std::make_shared<Handler>(std::move(handler));  // std::function wants to be able to copy
    const Store::Done done = [shared, guard](std::exception_ptr error) {
      asio::post(guard.get_executor(),
                 [shared, error = std::move(error)]() mutable { std::move (*shared)(std::move(error)); });
    };
    try {
      submit(done);
    } catch (const StoreBusy&) {
      done(std::current_exception());
    }
  }
};

asio::awaitable<void> await_done(std::function<void(Store::Done)> submit) {
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void(std::exception_ptr)>(Initiate{},
                                                                                         asio::use_awaitable, submit);
}

}  // namespace

asio::awaitable<void> await_write(Store& store, std::function<void(Tx&)> operation) {
  std::function<void(Store::Done)> submit = [&store, &operation](Store::Done done) {
    store.submit_write(std::move(operation), std::move(done));
  };
  co_await await_done(std::move(submit));
}

asio::awaitable<void> await_read(Store& store, std::function<void(ReadTx&)> operation) {
  std::function<void(Store::Done)> submit = [&store, &operation](Store::Done done) {
    store.submit_read(std::move(operation), std::move(done));
  };
  co_await await_done(std::move(submit));
}

}  // namespace smgate::store
