// Down-sampling against the plain form of the published algorithm, written down apart.
#include "server/curves/lttb.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "common/random.hpp"

namespace smgate::curves {
namespace {

using store::CurvePoint;

std::vector<CurvePoint> noise(std::size_t count, std::uint64_t seed) {
  SeededRandom random(seed);
  std::vector<CurvePoint> points(count);
  for (std::size_t i = 0; i < count; ++i) {
    points[i].step = static_cast<std::int64_t>(i);
    points[i].loss = static_cast<double>(random.below(1'000'000)) / 1000;
  }
  return points;
}

std::vector<CurvePoint> sampled(const std::vector<CurvePoint>& points, std::size_t kept) {
  Lttb lttb(points.size(), kept);
  for (const CurvePoint& point : points) lttb.add(point);
  return lttb.take();
}

// All in memory, by index, as in the thesis' own listing.
std::vector<CurvePoint> plain(const std::vector<CurvePoint>& points, std::size_t kept) {
  const double every = static_cast<double>(points.size() - 2) / static_cast<double>(kept - 2);
  const auto bound = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<double>(i) * every) + 1; };
  std::vector<CurvePoint> chosen = {points.front()};
  for (std::size_t i = 0; i + 2 < kept; ++i) {
    double mean_x = 0, mean_y = 0;
    const std::size_t from = bound(i + 1);
    const std::size_t until = i + 3 < kept ? bound(i + 2) : points.size();
    for (std::size_t j = from; j < until; ++j) mean_x += static_cast<double>(points[j].step), mean_y += *points[j].loss;
    mean_x /= static_cast<double>(until - from);
    mean_y /= static_cast<double>(until - from);
    const CurvePoint a = chosen.back();
    double best = -1;
    for (std::size_t j = bound(i); j < from; ++j) {
      const double ax = static_cast<double>(a.step), x = static_cast<double>(points[j].step);
      const double area = std::abs((ax - mean_x) * (*points[j].loss - *a.loss) - (ax - x) * (mean_y - *a.loss));
      if (area <= best) continue;
      best = area;
      if (chosen.size() == i + 2) chosen.pop_back();
      chosen.push_back(points[j]);
    }
  }
  chosen.push_back(points.back());
  return chosen;
}

TEST(Lttb, ChoosesWhatThePlainAlgorithmChooses) {
  for (const std::size_t count : {10U, 11U, 100U, 997U, 5000U})
    for (const std::size_t kept : {3U, 4U, 7U, 9U})
      EXPECT_EQ(sampled(noise(count, count), kept), plain(noise(count, count), kept)) << count << " to " << kept;
  EXPECT_EQ(sampled(noise(5000, 1), 500), plain(noise(5000, 1), 500));
}

TEST(Lttb, LeavesAShortCurveAsItIs) {
  for (const std::size_t count : {0U, 1U, 2U, 3U, 9U}) EXPECT_EQ(sampled(noise(count, 1), 9), noise(count, 1));
}

TEST(Lttb, NeverLeavesOutAStepThatWentWrong) {
  std::vector<CurvePoint> points = noise(10'000, 3);
  points[4321].loss = std::numeric_limits<double>::quiet_NaN();
  points[7654].loss.reset();
  std::size_t wrong = 0;
  for (const CurvePoint& point : sampled(points, 100)) wrong += point.loss && std::isfinite(*point.loss) ? 0 : 1;
  EXPECT_EQ(wrong, 2U);
}

}  // namespace
}  // namespace smgate::curves
