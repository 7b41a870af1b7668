// Threads that compile. Owned by a kernel cache; tasks are handed in by its one thread and run in that order on any of
// these. The queue holds at most the pre-warm list that its owner offers.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace smgate::workload {

// As many as the host runs at once, but no more than a pre-warm list makes use of.
unsigned compile_threads();

class CompilePool {
 public:
  explicit CompilePool(unsigned threads);
  // Drops what has not started, waits for what has.
  ~CompilePool();
  CompilePool(const CompilePool&) = delete;
  CompilePool& operator=(const CompilePool&) = delete;

  void run(std::function<void()> task);

 private:
  void work();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace smgate::workload
