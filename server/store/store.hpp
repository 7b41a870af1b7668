// The store of the running coordinator: one writer thread with group commit, and reader threads with read-only
// connections. Callers hand in functions on a Tx or ReadTx; see store_async.hpp for `co_await`.
//
// Group commit: operations that wait together share one COMMIT (synchronous=FULL, so one fsync). Each runs in a
// savepoint of its own: one that throws undoes its own changes only. An operation completes after the COMMIT, never
// before, so what a caller was told is durable.
//
// Owned by the composition root; submit from any thread. An operation runs on a store thread: it must not wait for
// another operation. close() runs what is queued and joins the threads.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <vector>

#include "server/store/tx.hpp"

namespace smgate::store {

inline constexpr std::size_t kQueueMax = 4096;  // some 16 s of writes one by one; whoever comes then is told to wait
inline constexpr std::size_t kBatchMax = 256;   // operations a COMMIT: bounds how long the first of them waits

// The queue is full, or the store is closed. A web server answers 503, a loop tries again later.
class StoreBusy : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Store {
 public:
  struct Options {
    std::filesystem::path file;
    int readers = 2;
  };
  // Opens and migrates; throws DatabaseError.
  explicit Store(const Options& options);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  template <class TxType>
  using Operation = std::function<void(TxType&)>;
  // Called once, on a store thread: with nothing after the COMMIT, or with what the operation or the COMMIT threw.
  using Done = std::function<void(std::exception_ptr)>;

  // Throws StoreBusy; `done` is then not called.
  void submit_write(Operation<Tx> operation, Done done);
  void submit_read(Operation<ReadTx> operation, Done done);

  // Block the calling thread, which must not be one of an io_context. For main's commands and tests.
  template <class F>
  auto write(F f) {
    return wait_for<Tx>(std::move(f), [this](auto operation, auto done) { submit_write(operation, done); });
  }
  template <class F>
  auto read(F f) {
    return wait_for<ReadTx>(std::move(f), [this](auto operation, auto done) { submit_read(operation, done); });
  }

  void close();  // idempotent

  struct Figures {  // for /metrics
    std::size_t writes_queued;
    std::uint64_t commits;
    std::uint64_t writes;
  };
  Figures figures() const;

 private:
  template <class TxType>
  struct Task {
    Operation<TxType> operation;
    Done done;
    std::exception_ptr error = nullptr;
  };
  template <class TxType>
  struct Queue {
    mutable std::mutex mutex;
    std::condition_variable filled;
    std::deque<Task<TxType>> tasks;
    bool closed = false;
  };

  template <class TxType>
  static void push(Queue<TxType>& queue, Task<TxType> task);
  template <class TxType>
  static std::vector<Task<TxType>> pop(Queue<TxType>& queue, std::size_t count_max);
  template <class TxType, class F, class Submit>
  static auto wait_for(F f, Submit submit);
  static void wait_until_done(const std::function<void(Done)>& submit);

  void write_loop();
  void write_batch(std::vector<Task<Tx>>& batch);
  void read_loop(Database& database);

  std::unique_ptr<Database> writer_;
  std::vector<std::unique_ptr<Database>> readers_;
  Queue<Tx> writes_;
  Queue<ReadTx> reads_;
  std::atomic<std::uint64_t> commits_{0};
  std::atomic<std::uint64_t> writes_done_{0};
  std::vector<std::thread> threads_;
};

template <class TxType, class F, class Submit>
auto Store::wait_for(F f, Submit submit) {
  using R = std::invoke_result_t<F, TxType&>;
  if constexpr (std::is_void_v<R>) {
    wait_until_done([&](Done done) { submit([&f](TxType& tx) { f(tx); }, std::move(done)); });
  } else {
    std::optional<R> result;
    wait_until_done([&](Done done) { submit([&](TxType& tx) { result.emplace(f(tx)); }, std::move(done)); });
    return std::move(*result);
  }
}

}  // namespace smgate::store
