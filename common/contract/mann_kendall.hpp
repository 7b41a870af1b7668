// The Mann-Kendall test for a monotonic trend: H. B. Mann, "Nonparametric tests against trend", Econometrica 13 (1945);
// M. G. Kendall, "Rank Correlation Methods", 4th ed. (1975), whose variance with ties and continuity correction this
// uses. Pure; any thread.
#pragma once

#include <cstdint>
#include <vector>

namespace smgate::contract {

struct Trend {
  double s = 0;       // pairs that rise minus pairs that fall
  double z = 0;       // normal approximation
  double p_down = 1;  // one-sided: how likely so small an S is where there is no trend
};

// All values must be finite. O(n log n).
Trend mann_kendall(const std::vector<double>& values);

}  // namespace smgate::contract
