// How long the parts of a run took, for whoever asks with --profile. Owned by the run; one thread.
#pragma once

#include <chrono>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace smgate::workload {

class Phases {
 public:
  // What was done since the last call, or since it was made.
  void done(std::string name) {
    const Clock::time_point now = Clock::now();
    parts_.emplace_back(std::move(name), now - last_);
    last_ = now;
  }

  // A line a part: milliseconds, name.
  std::string table() const {
    std::string text;
    for (const auto& [name, took] : parts_) {
      char ms[32];
      std::snprintf(ms, sizeof ms, "%9.1f ms  ", took.count());
      text += ms + name + "\n";
    }
    return text;
  }

 private:
  using Clock = std::chrono::steady_clock;

  Clock::time_point last_ = Clock::now();
  std::vector<std::pair<std::string, std::chrono::duration<double, std::milli>>> parts_;
};

}  // namespace smgate::workload
