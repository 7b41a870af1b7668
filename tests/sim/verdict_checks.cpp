#include "tests/sim/verdict_checks.hpp"

#include <gtest/gtest.h>

#include "server/store/heads.hpp"

namespace smgate::sim {
namespace {

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

std::string conclusion_of(const store::Run& run) {
  if (run.state == store::RunState::held) return "action_required";
  if (run.state == store::RunState::cancelled) return "cancelled";
  return run.verdict == store::RunVerdict::pass ? "success" : "failure";
}

// What people see of an architecture is what its job came to.
void expect_right_architectures(World& world, const store::Run& run) {
  for (const store::Job& job : world.store().read([&](store::ReadTx& tx) { return store::jobs_of_run(tx, run.id); })) {
    const CheckRun* check = world.api().newest(run.head_sha.value, "smgate / " + job.arch.value);
    ASSERT_NE(check, nullptr) << run.head_sha.value << " " << job.arch.value;
    const bool passed = job.verdict == store::RunVerdict::pass;
    const bool over = job.state == store::JobState::done;
    EXPECT_EQ(check->conclusion, !over ? "cancelled" : passed ? "success" : "failure") << run.head_sha.value;
  }
}

// By what the virtual GitHub knows alone: what must be held is, and nothing that is broken is let through.
void expect_right_gate(World& world, const WantedRun& wanted) {
  const CheckRun* check = world.api().newest(wanted.head, "smgate");
  ASSERT_NE(check, nullptr) << wanted.head;
  if (wanted.held) {
    EXPECT_EQ(check->conclusion, "action_required") << wanted.head;
  } else if (verdict_of(world.github().behaviour_of(wanted.head)) == store::RunVerdict::pass) {
    EXPECT_TRUE(check->conclusion == "success" || check->conclusion == "failure") << wanted.head;  // hosts may fail
  } else {
    EXPECT_EQ(check->conclusion, "failure") << wanted.head;
  }
}

// Every check run that GitHub has is over; the newest of each commit says what the commit's run came to.
void expect_right_checks(World& world) {
  for (const std::string& breach : world.api().breaches()) ADD_FAILURE() << breach;
  for (const auto& [key, runs] : world.api().checks())
    for (const CheckRun& run : runs) EXPECT_EQ(run.status, "completed") << key.first << " " << key.second;
  const std::vector<std::string> heads = world.store().read([](store::ReadTx& tx) {
    store::Query row = tx.query("SELECT DISTINCT head_sha FROM runs");
    std::vector<std::string> all;
    while (row.step()) all.push_back(row.get<std::string>(0));
    return all;
  });
  for (const std::string& head : heads) {
    const CheckRun* check = world.api().newest(head, "smgate");
    ASSERT_NE(check, nullptr) << head;
    const auto run = world.store().read([&](store::ReadTx& tx) {
      return store::deciding_run(store::runs_of_head(tx, "acme/kernels", CommitSha{head}));
    });
    EXPECT_EQ(check->conclusion, conclusion_of(*run)) << head << " " << run->reason;
    if (run->state != store::RunState::held) expect_right_architectures(world, *run);
  }
}

}  // namespace

void expect_all_right(World& world) {
  for (const std::string& breach : world.breaches()) ADD_FAILURE() << breach;
  for (const WantedRun& wanted : world.github().wanted()) {
    expect_wanted(world, wanted);
    expect_right_gate(world, wanted);
  }
  const auto done = world.store().read([](store::ReadTx& tx) {
    store::Query row = tx.query("SELECT id FROM runs WHERE state = 'done'");
    std::vector<store::Run> runs;
    while (row.step()) runs.push_back(store::find_run(tx, row.get<RunId>(0)).value());
    return runs;
  });
  for (const store::Run& run : done) expect_right_verdict(world, run);
  EXPECT_EQ(world.count("SELECT count(*) FROM actions WHERE actor <> 'maintainer'"), 0)
      << "somebody acted who may not write";
  expect_right_checks(world);
}

void calm_down(World& world) {
  int calm = 0;
  while (!world.quiet() && calm < kCalmStepsMax) {
    for (int i = 0; i < 20; ++i) world.step_in_calm();
    calm += 20;
  }
  EXPECT_LT(calm, kCalmStepsMax) << "something waits for ever";
}

}  // namespace smgate::sim
