#include "server/store/store.hpp"

#include <utility>

namespace smgate::store {
namespace {

void undo_savepoint(Database& database) {
  if (!database.in_transaction()) return;  // SQLite undid the whole transaction: full disk, I/O error
  database.execute("ROLLBACK TO operation; RELEASE operation");
}

// What `operation` threw, after its changes are undone; null where it went well.
std::exception_ptr run_in_savepoint(Database& database, const std::function<void(Tx&)>& operation) {
  try {
    if (!database.in_transaction()) database.execute("BEGIN IMMEDIATE");
    database.query("SAVEPOINT operation").run();
    Tx tx(database);
    operation(tx);
    database.query("RELEASE operation").run();
    return nullptr;
  } catch (...) {
    const std::exception_ptr error = std::current_exception();
    undo_savepoint(database);
    return error;
  }
}

std::exception_ptr try_commit(Database& database) {
  try {
    if (database.in_transaction()) database.execute("COMMIT");
    return nullptr;
  } catch (...) {
    const std::exception_ptr error = std::current_exception();
    if (database.in_transaction()) database.execute("ROLLBACK");
    return error;
  }
}

}  // namespace

Store::Store(const Options& options) : writer_(Database::open(options.file, Database::Mode::read_write)) {
  for (int i = 0; i < options.readers; ++i) readers_.push_back(Database::open(options.file, Database::Mode::read_only));
  threads_.emplace_back([this] { write_loop(); });
  for (const auto& reader : readers_) threads_.emplace_back([this, &database = *reader] { read_loop(database); });
}

Store::~Store() { close(); }

void Store::close() {
  const auto end = [](auto& queue) {
    const std::lock_guard lock(queue.mutex);
    queue.closed = true;
    queue.filled.notify_all();
  };
  end(writes_);
  end(reads_);
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Store::submit_write(Operation<Tx> operation, Done done) {
  push(writes_, Task<Tx>{std::move(operation), std::move(done)});
}

void Store::submit_read(Operation<ReadTx> operation, Done done) {
  push(reads_, Task<ReadTx>{std::move(operation), std::move(done)});
}

template <class TxType>
void Store::push(Queue<TxType>& queue, Task<TxType> task) {
  const std::lock_guard lock(queue.mutex);
  if (queue.closed) throw StoreBusy("the store is closed: the coordinator is stopping");
  if (queue.tasks.size() >= kQueueMax) throw StoreBusy("the store is behind: try again in a second");
  queue.tasks.push_back(std::move(task));
  queue.filled.notify_one();
}

// Waits for tasks; empty once the queue is closed and worked off.
template <class TxType>
std::vector<Store::Task<TxType>> Store::pop(Queue<TxType>& queue, std::size_t count_max) {
  std::unique_lock lock(queue.mutex);
  queue.filled.wait(lock, [&queue] { return queue.closed || !queue.tasks.empty(); });
  std::vector<Task<TxType>> taken;
  while (!queue.tasks.empty() && taken.size() < count_max) {
    taken.push_back(std::move(queue.tasks.front()));
    queue.tasks.pop_front();
  }
  return taken;
}

void Store::write_loop() {
  for (auto batch = pop(writes_, kBatchMax); !batch.empty(); batch = pop(writes_, kBatchMax)) {
    write_batch(batch);
    // The error moves on: this thread then has no share in it that it would let go of while its caller reads it.
    for (Task<Tx>& task : batch) task.done(std::move(task.error));
    batch.clear();  // what a task holds (its caller's io_context, kept busy) is let go now, not with the next batch
  }
}

void Store::write_batch(std::vector<Task<Tx>>& batch) {
  const auto lose = [](auto begin, auto end, const std::exception_ptr& error) {
    for (auto task = begin; task != end; ++task)
      if (task->error == nullptr) task->error = error;
  };
  auto open = batch.begin();  // the first task that the current transaction holds
  for (auto task = batch.begin(); task != batch.end(); ++task) {
    task->error = run_in_savepoint(*writer_, task->operation);
    if (writer_->in_transaction()) continue;
    lose(open, task, task->error);  // the transaction is gone, and with it what the others had done in it
    open = std::next(task);
  }
  if (const std::exception_ptr error = try_commit(*writer_)) lose(open, batch.end(), error);
  ++commits_;
  writes_done_ += batch.size();
}

void Store::read_loop(Database& database) {
  for (auto batch = pop(reads_, 1); !batch.empty(); batch = pop(reads_, 1)) {
    Task<ReadTx>& task = batch.front();
    try {
      database.query("BEGIN").run();  // one snapshot for all that the operation reads
      ReadTx tx(database);
      task.operation(tx);
    } catch (...) {
      task.error = std::current_exception();
    }
    if (database.in_transaction()) database.query("ROLLBACK").run();
    task.done(std::move(task.error));
    batch.clear();
  }
}

void Store::wait_until_done(const std::function<void(Done)>& submit) {
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  std::exception_ptr failure;
  submit([&](std::exception_ptr error) {
    const std::lock_guard lock(mutex);
    done = true;
    failure = std::move(error);
    changed.notify_one();
  });
  std::unique_lock lock(mutex);
  changed.wait(lock, [&done] { return done; });
  if (failure) std::rethrow_exception(failure);
}

Store::Figures Store::figures() const {
  const std::lock_guard lock(writes_.mutex);
  return {writes_.tasks.size(), commits_.load(), writes_done_.load()};
}

}  // namespace smgate::store
