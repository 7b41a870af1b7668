// The coordinator core under a seeded simulator. SMGATE_SIM_SEED=N runs one seed alone.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/sim/world.hpp"

namespace smgate::sim {
namespace {

constexpr std::uint64_t kSeeds = 250;
constexpr int kChaosSteps = 800;
constexpr int kCalmStepsMax = 4'000;  // an hour: eight fetch attempts and three of each job fit many times

std::vector<store::Run> runs_of_head(World& world, const std::string& head) {
  return world.store().read([&](store::ReadTx& tx) {
    store::Query row = tx.query("SELECT id FROM runs WHERE head_sha = ?1", head);
    std::vector<store::Run> runs;
    while (row.step()) runs.push_back(store::find_run(tx, row.get<RunId>(0)).value());
    return runs;
  });
}

bool is_infrastructure(const std::string& cause) {
  return cause == "runner_lost" || cause == "runner_error" || cause == "checkout_failed" ||
         cause == "source_unavailable";
}

// A verdict is the commit's own, or inconclusive because hosts failed as often as they may.
void expect_right_verdict(World& world, const store::Run& run) {
  const Behaviour behaviour = world.github().behaviour_of(run.head_sha.value);
  bool hosts_failed = run.first_cause == "source_unavailable";
  for (const store::Job& job : world.store().read([&](store::ReadTx& tx) { return store::jobs_of_run(tx, run.id); })) {
    EXPECT_EQ(job.state, store::JobState::done) << run.id.value;
    const bool host = is_infrastructure(job.first_cause);
    hosts_failed = hosts_failed || host;
    EXPECT_EQ(job.verdict, host ? store::RunVerdict::inconclusive : verdict_of(behaviour)) << job.first_cause;
    EXPECT_TRUE(!host || job.attempt >= store::kAttemptCap);
  }
  if (hosts_failed) {
    EXPECT_NE(run.verdict, store::RunVerdict::pass);
  } else {
    EXPECT_EQ(run.verdict, verdict_of(behaviour)) << run.first_cause << ": " << run.reason;
  }
}

void expect_wanted(World& world, const WantedRun& wanted) {
  bool found = false;
  for (const store::Run& run : runs_of_head(world, wanted.head)) {
    if (wanted.base && run.base_sha.value != *wanted.base) continue;
    if (run.state == (wanted.held ? store::RunState::held : store::RunState::done)) found = true;
  }
  EXPECT_TRUE(found) << "no run of " << wanted.head << (wanted.held ? " is held" : " has its verdict");
}

void expect_all_right(World& world) {
  for (const std::string& breach : world.breaches()) ADD_FAILURE() << breach;
  for (const WantedRun& wanted : world.github().wanted()) expect_wanted(world, wanted);
  const auto done = world.store().read([](store::ReadTx& tx) {
    store::Query row = tx.query("SELECT id FROM runs WHERE state = 'done'");
    std::vector<store::Run> runs;
    while (row.step()) runs.push_back(store::find_run(tx, row.get<RunId>(0)).value());
    return runs;
  });
  for (const store::Run& run : done) expect_right_verdict(world, run);
}

void run_seed(std::uint64_t seed, World::Seen& seen) {
  SCOPED_TRACE("SMGATE_SIM_SEED=" + std::to_string(seed));
  World world(seed);
  for (int i = 0; i < kChaosSteps; ++i) world.step_in_chaos();
  int calm = 0;
  while (!world.quiet() && calm < kCalmStepsMax) {
    for (int i = 0; i < 20; ++i) world.step_in_calm();
    calm += 20;
  }
  EXPECT_LT(calm, kCalmStepsMax) << "something waits for ever";
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
