// Splits work over the host's processors. Any thread; returns when all is done. What `work` throws ends the program: it
// must not.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace smgate::workload {

inline constexpr unsigned kParallelThreadsMax = 32;  // memory's bandwidth is used up before that

// Calls work(0) to work(count - 1), each once, in any order, on as many threads as the host runs.
template <class Work>
void parallel_for(std::size_t count, const Work& work) {
  const std::size_t processors = std::clamp(std::thread::hardware_concurrency(), 1u, kParallelThreadsMax);
  std::atomic<std::size_t> next{0};
  const auto run = [&] {
    for (std::size_t i = next++; i < count; i = next++) work(i);
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < std::min(processors, count); ++i) threads.emplace_back(run);
  run();
  for (std::thread& thread : threads) thread.join();
}

}  // namespace smgate::workload
