#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/workload/support.hpp"

namespace smgate::workload::test {
namespace {

std::vector<double> curve(const RunConfig& config, std::uint32_t steps, const std::string& arch = "sm_89") {
  Parts parts(arch);
  CpuTrainer trainer = ready_trainer(config, parts);
  std::vector<double> losses;
  for (std::uint32_t step = 0; step < steps; ++step) losses.push_back(trainer.step(step).loss);
  return losses;
}

// Mann-Kendall's z: how clearly a series falls (negative) or rises.
double trend(const std::vector<double>& series) {
  double sum = 0.0;
  const auto n = static_cast<double>(series.size());
  for (std::size_t i = 0; i < series.size(); ++i) {
    for (std::size_t j = i + 1; j < series.size(); ++j) sum += (series[j] > series[i]) - (series[j] < series[i]);
  }
  return (sum + (sum < 0 ? 1.0 : -1.0)) / std::sqrt(n * (n - 1) * (2 * n + 5) / 18.0);
}

// A fifth of the steps of a real run: what falls so far by then falls further. The contract judges more seeds.
TEST(Training, LearnsWithEverySeed) {
  constexpr std::uint32_t kSteps = 12;
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    RunConfig config = *config_of_scale("tiny");
    config.seed = seed;
    const auto losses = curve(config, kSteps);
    EXPECT_LT(losses.back(), 0.95 * losses.front()) << "seed " << seed;
    EXPECT_LT(trend(losses), -2.326) << "seed " << seed;  // one-sided p < 0.01
  }
}

TEST(Training, GivesTheSameCurveForASeedOnBothArchitectures) {
  const RunConfig config = small_config();
  EXPECT_EQ(curve(config, 4, "sm_89"), curve(config, 4, "sm_121"));
  RunConfig other = config;
  other.seed = 1;
  EXPECT_NE(curve(config, 1), curve(other, 1));
}

TEST(Training, ChangesNothingAtLearningRateZero) {
  const SmokeRun run = smoke({"--compiler", "none", "--arch", "sm_89", "--steps", "2", "--lr", "0"});
  EXPECT_EQ(field(run.of("checkpoint").at(0), "tensors_changed"), "0");
  EXPECT_EQ(run.loss(0), run.loss(1));
}

TEST(Training, ReportsTheLossThatItsPartsMake) {
  const SmokeRun run = smoke({"--compiler", "none", "--arch", "sm_89", "--steps", "1"});
  const auto step = run.of("step").at(0);
  const double ce = std::stod(field(step, "ce")), kl = std::stod(field(step, "kl"));
  EXPECT_NEAR(run.loss(0), 0.3 * ce + 0.7 * 16.0 * kl, 1e-6);
  EXPECT_NEAR(ce, std::log(256.0), 0.3);  // a fresh student knows nothing
  EXPECT_EQ(field(step, "tokens"), "64");
}

TEST(Training, ReportsWeightsThatTheCheckpointStartedFrom) {
  const SmokeRun run = smoke({"--compiler", "none", "--arch", "sm_89", "--steps", "1"});
  const auto checkpoint = run.of("checkpoint").at(0);
  EXPECT_EQ(field(run.of("weights").at(1), "digest"), field(checkpoint, "initial_digest"));
  EXPECT_NE(field(checkpoint, "final_digest"), field(checkpoint, "initial_digest"));
  EXPECT_EQ(field(checkpoint, "whole"), "true");
  EXPECT_EQ(field(checkpoint, "container"), "safetensors");
}

TEST(Batch, HasLabelsThatAreItsTokensShiftedAndNoPrefixTwice) {
  RunConfig config = *config_of_scale("tiny");
  config.seed = 3;
  const Batch batch = make_batch(config);
  for (std::size_t i = 0; i < batch.inputs.size(); ++i) {
    if (i % batch.seq != 0) {
      EXPECT_EQ(batch.inputs[i], batch.labels[i - 1]);
    }
    EXPECT_LT(batch.labels[i], 256);
  }
  std::vector<std::int32_t> first;
  for (std::size_t row = 0; row < batch.sequences; ++row) first.push_back(batch.inputs[row * batch.seq]);
  std::sort(first.begin(), first.end());
  EXPECT_EQ(std::adjacent_find(first.begin(), first.end()), first.end());
}

TEST(Training, WithAdaptersMovesThemAlone) {
  const SmokeRun run = smoke({"--compiler", "none", "--arch", "sm_121", "--steps", "4", "--lora-rank", "4"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_TRUE(run.misses().empty());
  EXPECT_EQ(field(run.of("run_start").at(0), "lora_rank"), "4");
  // Two blocks, queries and values, two matrices each.
  EXPECT_EQ(field(run.of("checkpoint").at(0), "tensors_changed"), "8");
  // An adapter starts without effect.
  EXPECT_EQ(run.loss(0), smoke({"--compiler", "none", "--arch", "sm_121", "--steps", "1"}).loss(0));
  EXPECT_LT(run.last_loss(), run.loss(0));
}

}  // namespace
}  // namespace smgate::workload::test
