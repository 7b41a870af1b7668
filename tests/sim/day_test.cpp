// A day of a busy repository on a fake clock: 50 pull requests with pushes, forks, approvals, re-runs and merge groups,
// while GitHub is away for minutes at a time and webhooks come late, twice and out of order. SMGATE_DAY_SEED=N is
// another day.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "tests/sim/verdict_checks.hpp"

namespace smgate::sim {
namespace {

constexpr std::size_t kPulls = 50;
constexpr std::uint64_t kPace_ms = 2'000;
constexpr int kStepsMax = 60'000;

constexpr std::uint64_t kSeed = 20'260'521;

std::uint64_t seed() {
  const char* other = std::getenv("SMGATE_DAY_SEED");  // NOLINT(concurrency-mt-unsafe): one thread
  return other == nullptr ? kSeed : std::stoull(other);
}

TEST(Day, EndsWithTheRightConclusionOnEveryCommit) {
  World world(seed(), kPace_ms);
  int steps = 0;
  while (world.github().pull_count() < kPulls && ++steps < kStepsMax) world.step_in_chaos();
  calm_down(world);
  expect_all_right(world);
  const GitHub::Done& done = world.github().done();
  EXPECT_EQ(world.github().pull_count(), kPulls);
  const GitHubApi::Seen& seen = world.api().seen();
  const std::map<std::string, int> counts{
      {"approvals", done.approvals},
      {"heads approved", static_cast<int>(world.count("SELECT count(*) FROM approvals"))},
      {"reruns", done.reruns},
      {"refused approvals", done.refused_approvals},
      {"questions", done.questions},
      {"answers", static_cast<int>(world.api().comment_count())},
      {"merge groups", done.groups},
      {"forks", done.forks},
      {"pushes to pull requests", done.pushes},
      {"webhooks that came twice", done.twice},
      {"webhooks out of order", done.out_of_order},
      {"lost webhooks", done.lost},
      {"redeliveries", done.redelivered},
      {"outages", seen.outages},
      {"lost answers", seen.lost_answers},
      {"limits", seen.limited},
      {"refused bodies", seen.refused_bodies},
      {"refused tokens", seen.refused_tokens},
      {"annotations", seen.annotations}};
  for (const auto& [what, count] : counts) {
    EXPECT_GE(count, seed() == kSeed ? 3 : 0) << "the day no longer holds what it is for: " << what;
    RecordProperty(what, count);
  }
  RecordProperty("steps", steps);
  RecordProperty("minutes", static_cast<int>(world.minutes()));
  RecordProperty("writes", seen.writes);
}

}  // namespace
}  // namespace smgate::sim
