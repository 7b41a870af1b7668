// The coordinator core under a seeded simulator. SMGATE_SIM_SEED=N runs one seed alone.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/sim/verdict_checks.hpp"

namespace smgate::sim {
namespace {

constexpr std::uint64_t kSeeds = 80;
constexpr int kChaosSteps = 800;

void run_seed(std::uint64_t seed, World::Seen& seen) {
  SCOPED_TRACE("SMGATE_SIM_SEED=" + std::to_string(seed));
  World world(seed);
  for (int i = 0; i < kChaosSteps; ++i) world.step_in_chaos();
  calm_down(world);
  expect_all_right(world);
  seen.crashes += world.seen().crashes;
  seen.refused += world.seen().refused;
  seen.duplicates += world.seen().duplicates;
  seen.gaps += world.seen().gaps;
  seen.expired += world.seen().expired;
  seen.requeued += world.seen().requeued;
  seen.cancelled += world.seen().cancelled;
  seen.revived += world.seen().revived;
}

TEST(Streams, AreJudgedAsTheyAreMeant) {
  for (const Behaviour behaviour : {Behaviour::healthy, Behaviour::broken}) {
    verdict::ReportedJob job;
    job.job.outcome = protocol::JobOutcome::completed;
    job.policy_json = "{}";
    job.events = {{"1.jsonl", events_of(behaviour, Arch{"sm_89"})}};
    const verdict::JudgedJob judged = verdict::judge(job);
    EXPECT_EQ(judged.verdict.verdict, verdict_of(behaviour)) << judged.verdict.report_json;
  }
}

TEST(Simulation, EndsEveryRunWithTheRightVerdictWhateverBreaks) {
  World::Seen seen;
  const char* only = std::getenv("SMGATE_SIM_SEED");  // NOLINT(concurrency-mt-unsafe): one thread
  if (only != nullptr) return run_seed(std::stoull(only), seen);
  for (std::uint64_t seed = 1; seed <= kSeeds && !HasFailure(); ++seed) run_seed(seed, seen);
  for (const int count : {seen.crashes, seen.refused, seen.duplicates, seen.gaps, seen.expired, seen.requeued,
                          seen.cancelled, seen.revived})
    EXPECT_GT(count, 0) << "the simulation no longer reaches what it is for";
}

TEST(Simulation, IsTheSameForTheSameSeed) {
  const auto run = [] {
    World world(7);
    for (int i = 0; i < kChaosSteps; ++i) world.step_in_chaos();
    return world.store().read([](store::ReadTx& tx) {
      store::Query row = tx.query("SELECT group_concat(id || state || attempt, ' ') FROM jobs");
      row.step();
      return row.get<std::string>(0);
    });
  };
  EXPECT_EQ(run(), run());
}

}  // namespace
}  // namespace smgate::sim
