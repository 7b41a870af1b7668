#include "common/contract/mann_kendall.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace smgate::contract {
namespace {

// As the formula stands in the books.
double s_by_pairs(const std::vector<double>& values) {
  double s = 0;
  for (std::size_t i = 0; i < values.size(); ++i)
    for (std::size_t j = i + 1; j < values.size(); ++j) s += values[j] > values[i] ? 1 : values[j] < values[i] ? -1 : 0;
  return s;
}

TEST(MannKendall, CountsPairsAsTheDefinitionDoes) {
  std::vector<double> values;
  for (int i = 0; i < 60; ++i) values.push_back((i * 37 % 17) - 0.1 * (i / 10));
  EXPECT_EQ(mann_kendall(values).s, s_by_pairs(values));
}

// n = 10, strictly falling: S = -45, Var = 10 * 9 * 25 / 18 = 125, z = -44 / sqrt(125).
TEST(MannKendall, GivesTheTextbookValueOfAFallingSeries) {
  const Trend trend = mann_kendall({10, 9, 8, 7, 6, 5, 4, 3, 2, 1});
  EXPECT_EQ(trend.s, -45);
  EXPECT_NEAR(trend.z, -44 / std::sqrt(125.0), 1e-12);
  EXPECT_NEAR(trend.p_down, 4.15e-5, 1e-6);
}

// Ties 2, 2 and 1, 1, 1: Var = (6 * 5 * 17 - 2 * 1 * 9 - 3 * 2 * 11) / 18.
TEST(MannKendall, CorrectsTheVarianceForTies) {
  const Trend trend = mann_kendall({3, 2, 2, 1, 1, 1});
  EXPECT_EQ(trend.s, -11);
  EXPECT_NEAR(trend.z, -10 / std::sqrt((510 - 18 - 66) / 18.0), 1e-12);
}

TEST(MannKendall, SeesNoTrendWhereThereIsNone) {
  EXPECT_EQ(mann_kendall({1, 1, 1, 1}).p_down, 1);
  EXPECT_GT(mann_kendall({1, 2, 3, 4, 5, 6, 7, 8}).p_down, 0.99);
  EXPECT_EQ(mann_kendall({}).p_down, 1);
}

TEST(MannKendall, IsFastOnLongCurves) {
  std::vector<double> values(100'000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = -static_cast<double>(i);
  EXPECT_LT(mann_kendall(values).p_down, 1e-6);
}

}  // namespace
}  // namespace smgate::contract
