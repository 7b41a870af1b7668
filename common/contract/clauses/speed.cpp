#include "common/contract/clauses/speed.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace smgate::contract {

std::optional<double> tokens_per_s(const Facts& facts) {
  const Process* training = training_process(facts);
  if (training == nullptr || training->curve.tokens == 0 || training->curve.points.empty()) return std::nullopt;
  std::vector<float> times;
  for (const Point& point : training->curve.points)
    if (std::isfinite(point.ms) && point.ms > 0) times.push_back(point.ms);
  if (times.empty()) return std::nullopt;
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  const double steps = static_cast<double>(training->curve.points.size() + training->curve.left_out);
  return static_cast<double>(training->curve.tokens) / steps / static_cast<double>(*middle) * 1000;
}

}  // namespace smgate::contract
