// The one door to time. Wall time is for rows and people; deadlines inside a process use steady time.
#pragma once

#include <cstdint>
#include <string>

namespace smgate {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual std::int64_t now_ms() const = 0;  // Unix time
};

class SystemClock final : public Clock {
 public:
  std::int64_t now_ms() const override;
};

// For tests and the simulator: moves only when told to. One thread.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(std::int64_t start_ms) : now_ms_(start_ms) {}
  std::int64_t now_ms() const override { return now_ms_; }
  void advance_ms(std::int64_t by_ms) { now_ms_ += by_ms; }

 private:
  std::int64_t now_ms_;
};

// 2026-05-20T05:05:30.123Z (RFC 3339, UTC).
std::string to_rfc3339(std::int64_t unix_ms);
// The same in whole seconds, as GitHub writes and takes it.
std::string to_rfc3339_seconds(std::int64_t unix_ms);

}  // namespace smgate
