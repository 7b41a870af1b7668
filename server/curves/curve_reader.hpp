// Curves out of the store as the dashboard wants them: a range, or down-sampled. On a reader thread of the store.
#pragma once

#include <cstdint>
#include <limits>

#include "server/curves/curve_text.hpp"

namespace smgate::curves {

inline constexpr std::int64_t kPointsMax = 20'000;  // an answer; 1.5 MB of JSON

CurveText read_range(store::ReadTx& tx, const store::Job& job, int attempt, std::uint64_t first, std::size_t count_max);
// Both inclusive.
struct Steps {
  std::int64_t from = 0;
  std::int64_t to = std::numeric_limits<std::int64_t>::max();
  bool operator==(const Steps&) const = default;
};
// attempt 0: the newest.
CurveText read_sampled(store::ReadTx& tx, const store::Job& job, int attempt, std::uint64_t points_max,
                       const Steps& steps = {});

}  // namespace smgate::curves
