// A day of a busy repository on a fake clock: 50 pull requests with pushes, forks, approvals, re-runs and merge groups,
// while GitHub is away for minutes at a time and webhooks come late, twice and out of order.
#include <gtest/gtest.h>

#include "tests/sim/verdict_checks.hpp"

namespace smgate::sim {
namespace {

constexpr std::size_t kPulls = 50;
constexpr std::uint64_t kPace_ms = 2'000;
constexpr int kStepsMax = 60'000;

TEST(Day, EndsWithTheRightConclusionOnEveryCommit) {
  World world(20'260'521, kPace_ms);
  int steps = 0;
  while (world.github().pull_count() < kPulls && ++steps < kStepsMax) world.step_in_chaos();
  calm_down(world);
  expect_all_right(world);
  const GitHub::Done& done = world.github().done();
  EXPECT_EQ(world.github().pull_count(), kPulls);
  for (const int count : {done.approvals, done.reruns, done.groups, world.api().outages(), world.api().lost_answers()})
    EXPECT_GE(count, 3) << "the day no longer holds what it is for";
  RecordProperty("steps", steps);
  RecordProperty("writes", world.api().writes());
}

}  // namespace
}  // namespace smgate::sim
