// When the next request may go, by GitHub's published limits and by what it said itself. Pure; one thread.
// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>

namespace smgate::github {

enum class Effect { read, write };  // GET; everything else

// GitHub allows 900 points a minute (a read is 1, a write 5), 80 requests a minute and 500 an hour that create
// content, and asks for a second between writes. Ours stay below, as others may use the same installation.
inline constexpr std::int64_t kBetweenWrites_ms = 1'000;
inline constexpr std::int64_t kMinute_ms = 60'000;
inline constexpr std::int64_t kHour_ms = 3'600'000;
inline constexpr std::size_t kWritesPerMinute = 60;
inline constexpr std::size_t kWritesPerHour = 450;
inline constexpr std::size_t kReadsPerMinute = 300;

class RatePlan {
 public:
  // The earliest time at which one may be sent; now or earlier: at once.
  std::int64_t earliest_ms(Effect effect) const {
    if (effect == Effect::read) return std::max(paused_until_ms_, free_again(reads_, kReadsPerMinute, kMinute_ms));
    const std::int64_t spaced = writes_.empty() ? 0 : writes_.back() + kBetweenWrites_ms;
    return std::max({paused_until_ms_, spaced, free_again(writes_, kWritesPerMinute, kMinute_ms),
                     free_again(writes_, kWritesPerHour, kHour_ms)});
  }
  // The same where it is not a plan but must not be: a pause that GitHub asked for, and too many writes. Reads have a
  // wide margin below GitHub's own limit.
  std::int64_t allowed_ms(Effect effect) const {
    return effect == Effect::read ? paused_until_ms_ : earliest_ms(effect);
  }
  void sent(Effect effect, std::int64_t now_ms) {
    std::deque<std::int64_t>& times = effect == Effect::read ? reads_ : writes_;
    times.push_back(now_ms);
    const std::size_t keep = effect == Effect::read ? kReadsPerMinute : kWritesPerHour;
    if (times.size() > keep) times.pop_front();
  }
  // GitHub said: nothing before this.
  void pause_until(std::int64_t until_ms) { paused_until_ms_ = std::max(paused_until_ms_, until_ms); }

 private:
  static std::int64_t free_again(const std::deque<std::int64_t>& times, std::size_t count, std::int64_t span_ms) {
    return times.size() < count ? 0 : times[times.size() - count] + span_ms;
  }

  std::deque<std::int64_t> writes_;
  std::deque<std::int64_t> reads_;
  std::int64_t paused_until_ms_ = 0;
};

}  // namespace smgate::github
