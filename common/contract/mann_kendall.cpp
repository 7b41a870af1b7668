#include "common/contract/mann_kendall.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace smgate::contract {
namespace {

// Counts how many of the values seen so far have at most some rank (P. M. Fenwick, 1994).
class RankCounter {
 public:
  explicit RankCounter(std::size_t ranks) : tree_(ranks + 1) {}
  void add(std::size_t rank) {
    for (std::size_t i = rank + 1; i < tree_.size(); i += i & (~i + 1)) ++tree_[i];
  }
  double up_to(std::size_t rank) const {  // inclusive
    std::uint64_t count = 0;
    for (std::size_t i = rank + 1; i > 0; i -= i & (~i + 1)) count += tree_[i];
    return static_cast<double>(count);
  }

 private:
  std::vector<std::uint64_t> tree_;
};

}  // namespace

Trend mann_kendall(const std::vector<double>& values) {
  const double n = static_cast<double>(values.size());
  std::vector<double> ranks = values;
  std::sort(ranks.begin(), ranks.end());
  double ties = 0;
  for (auto at = ranks.begin(); at != ranks.end();) {
    const auto end = std::upper_bound(at, ranks.end(), *at);
    const double t = static_cast<double>(end - at);
    ties += t * (t - 1) * (2 * t + 5);
    at = end;
  }
  ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());

  Trend trend;
  RankCounter seen(ranks.size());
  double count = 0;
  for (const double value : values) {
    const auto rank = static_cast<std::size_t>(std::lower_bound(ranks.begin(), ranks.end(), value) - ranks.begin());
    const double below = rank == 0 ? 0 : seen.up_to(rank - 1);
    const double above = count - seen.up_to(rank);
    trend.s += below - above;
    seen.add(rank);
    ++count;
  }
  const double variance = (n * (n - 1) * (2 * n + 5) - ties) / 18;
  if (variance <= 0) return trend;
  const double sign = trend.s > 0 ? 1 : trend.s < 0 ? -1 : 0;
  trend.z = (trend.s - sign) / std::sqrt(variance);
  trend.p_down = 0.5 * std::erfc(-trend.z / std::numbers::sqrt2);
  return trend;
}

}  // namespace smgate::contract
