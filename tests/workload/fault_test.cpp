// Each fault is made in the workload's own path; its events must show what happened.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/workload/support.hpp"

namespace smgate::workload::test {
namespace {

std::set<std::string> keys_of(const std::vector<std::string>& lines) {
  std::set<std::string> keys;
  for (const std::string& line : lines) keys.insert(field(line, "key"));
  return keys;
}

std::set<std::string> missed(const SmokeRun& run) { return keys_of(run.misses()); }

std::set<std::string> unused(const SmokeRun& run) {
  std::set<std::string> unused;
  const auto offered = keys_of(run.of("offer")), asked = keys_of(run.of("lookup"));
  std::set_difference(offered.begin(), offered.end(), asked.begin(), asked.end(), std::inserter(unused, unused.end()));
  return unused;
}

const std::string kPoison = "CUDA error: CUDA_ERROR_ILLEGAL_ADDRESS (700): an illegal memory access was encountered";

// What every fault with a late compile does to sm_121: it stops at the first and names no kernel.
void expect_poisoned(const std::string& fault) {
  const SmokeRun run = faulty(fault, "sm_121");
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_EQ(run.misses().size(), 1u);
  EXPECT_TRUE(run.of("step").empty());
  EXPECT_EQ(field(run.of("run_end").at(0), "status"), "failed");
  EXPECT_EQ(field(run.of("run_end").at(0), "symptom"), kPoison);
  EXPECT_EQ(field(run.of("error").at(0), "text"), kPoison);
}

TEST(HealthyRun, PassesOnBothWithoutAMissOrWaste) {
  for (const char* arch : {"sm_89", "sm_121"}) {
    const SmokeRun run = smoke({"--compiler", "none", "--arch", arch, "--steps", "3"});
    EXPECT_EQ(run.exit_code, 0);
    EXPECT_TRUE(run.misses().empty());
    EXPECT_TRUE(unused(run).empty());
    EXPECT_EQ(field(run.of("run_end").at(0), "status"), "ok");
    EXPECT_EQ(field(run.of("run_start").at(0), "cold"), "true");
    EXPECT_EQ(field(run.of("run_start").at(0), "emulated"), "true");
    EXPECT_EQ(field(run.of("checkpoint").at(0), "tensors_changed"), field(run.of("checkpoint").at(0), "tensors"));
  }
}

TEST(HealthyRun, EndsEveryPrewarmBeforeAnyPayload) {
  const SmokeRun run = smoke({"--compiler", "none", "--arch", "sm_89", "--steps", "1"});
  std::size_t last_end = 0, first_payload = run.events.size();
  for (std::size_t i = 0; i < run.events.size(); ++i) {
    if (field(run.events[i], "ev") == "prewarm_end") last_end = i;
    if (field(run.events[i], "ev") == "payload_begin") first_payload = std::min(first_payload, i);
  }
  EXPECT_EQ(run.of("prewarm_end").size(), 3u);
  EXPECT_LT(last_end, first_payload);
}

TEST(UnusedPrewarm, WarmsFourGemmsThatTheLibraryServes) {
  const SmokeRun run = faulty("unused-prewarm", "sm_89");
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_EQ(unused(run), (std::set<std::string>{"gemm_forward_64_96_96", "gemm_forward_64_96_16",
                                                "gemm_forward_64_96_192", "gemm_forward_64_192_96"}));
  EXPECT_TRUE(run.misses().empty());
}

TEST(OversizedWorkspace, AsksForSixtyGigabytesABlock) {
  const SmokeRun refused = faulty("oversized-workspace", "sm_89");
  EXPECT_EQ(refused.exit_code, 1);
  const auto alloc = with(refused.events, "alloc", "bytes", "60129542144");
  ASSERT_EQ(alloc.size(), 1u);
  EXPECT_EQ(field(alloc[0], "name"), "student.block.0.attention_workspace");
  EXPECT_EQ(field(alloc[0], "ok"), "false");

  const SmokeRun granted = faulty("oversized-workspace", "sm_121");
  EXPECT_EQ(granted.exit_code, 0);
  EXPECT_EQ(with(granted.events, "alloc", "bytes", "60129542144").size(), 2u);
}

TEST(AprWeights, MakeTheReaderTakeTheMagicForALength) {
  const SmokeRun run = faulty("apr-weights", "sm_89");
  EXPECT_EQ(run.exit_code, 1);
  const auto weights = run.of("weights").at(0);
  EXPECT_EQ(field(weights, "claimed_container"), "safetensors");
  EXPECT_EQ(field(weights, "container"), "apr");
  EXPECT_EQ(field(weights, "magic").substr(0, 8), "41505200");
  EXPECT_EQ(field(weights, "ok"), "false");
  EXPECT_TRUE(field(weights, "text").starts_with("header too large"));
}

TEST(SkippedPrewarm, EndsTheBackwardScopeWithoutAnOffer) {
  const SmokeRun run = faulty("skipped-prewarm", "sm_89");
  EXPECT_TRUE(with(run.events, "offer", "scope", "student_backward").empty());
  const auto end = with(run.events, "prewarm_end", "scope", "student_backward");
  EXPECT_EQ(field(end.at(0), "claimed"), "0");
  for (const char* key : {"silu_backward", "batched_softmax_backward", "batched_rms_norm_backward"}) {
    EXPECT_TRUE(missed(run).count(key)) << key;
  }
  for (const std::string& line : run.misses()) EXPECT_EQ(field(line, "scope"), "student_backward");
  expect_poisoned("skipped-prewarm");
}

TEST(MissingStage, LeavesOutTheSecondKernelOfRmsNormBackward) {
  EXPECT_EQ(missed(faulty("missing-stage", "sm_89")), (std::set<std::string>{"rms_norm_gamma_reduce"}));
  expect_poisoned("missing-stage");
}

TEST(SilentCache, TrainsAndReportsNothingOfTheCache) {
  for (const char* arch : {"sm_89", "sm_121"}) {
    const SmokeRun run = faulty("silent-cache", arch);
    EXPECT_EQ(run.exit_code, 0);
    for (const char* kind : {"prewarm_begin", "prewarm_end", "offer", "lookup", "compile", "load"}) {
      EXPECT_TRUE(run.of(kind).empty()) << kind;
    }
    EXPECT_EQ(run.of("step").size(), 3u);
  }
}

TEST(SharedKey, OffersEverythingUnderTheKeyOfSilu) {
  const SmokeRun run = faulty("shared-key", "sm_89", "12");
  EXPECT_EQ(keys_of(run.of("offer")), (std::set<std::string>{"silu_forward"}));
  const auto first = run.of("compile").at(0);
  EXPECT_EQ(field(first, "body"), bodies::silu_forward().digest());
  EXPECT_FALSE(missed(run).count("silu_forward"));
  EXPECT_EQ(missed(run).size(), 52u);
  // Every body that is missed was offered, under the wrong key.
  std::set<std::string> offered;
  for (const std::string& line : run.of("offer")) offered.insert(field(line, "body"));
  for (const std::string& line : run.misses()) EXPECT_TRUE(offered.count(field(line, "body"))) << line;
}

TEST(SharedKey, TrainsOnBySm89AndStopsSm121) {
  const SmokeRun run = faulty("shared-key", "sm_89", "12");
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_LT(run.last_loss(), 0.95 * run.loss(0));
  expect_poisoned("shared-key");
}

TEST(ShortKey, DropsTheEpsTokenAndForgetsRope) {
  const SmokeRun run = faulty("short-key", "sm_89");
  EXPECT_EQ(unused(run), (std::set<std::string>{"batched_rmsnorm_fwd_96", "batched_rmsnorm_fwd_56"}));
  EXPECT_EQ(missed(run),
            (std::set<std::string>{"batched_rmsnorm_fwd_96_eps358637bd", "batched_rmsnorm_fwd_56_eps358637bd",
                                   "batched_rope_fwd_12_8_16_th49742400", "batched_rope_fwd_2_8_16_th49742400",
                                   "batched_rope_fwd_14_4_16_th49742400", "batched_rope_fwd_2_4_16_th49742400"}));
  expect_poisoned("short-key");
}

TEST(DegenerateBatch, HoldsOneInputWithManyLabels) {
  RunConfig config = with_fault(*config_of_scale("tiny"), Fault::kDegenerateBatch);
  const Batch batch = make_batch(config);
  EXPECT_EQ(std::set<std::int32_t>(batch.inputs.begin(), batch.inputs.end()).size(), 1u);
  EXPECT_GT(std::set<std::int32_t>(batch.labels.begin(), batch.labels.end()).size(), 40u);
  EXPECT_EQ(faulty("degenerate-batch", "sm_121").exit_code, 0);
}

TEST(WrongEps, WarmsTheKeyAndBodyOfAnotherEps) {
  const SmokeRun run = faulty("wrong-eps", "sm_89");
  EXPECT_EQ(unused(run),
            (std::set<std::string>{"batched_rmsnorm_fwd_96_eps3727c5ac", "batched_rmsnorm_fwd_56_eps3727c5ac"}));
  EXPECT_EQ(missed(run),
            (std::set<std::string>{"batched_rmsnorm_fwd_96_eps358637bd", "batched_rmsnorm_fwd_56_eps358637bd"}));
  expect_poisoned("wrong-eps");
}

TEST(WrongBody, CompilesNothingLateAndComputesOtherNumbers) {
  const SmokeRun healthy = smoke({"--compiler", "none", "--arch", "sm_121", "--steps", "3"});
  const SmokeRun run = faulty("wrong-body", "sm_121");
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_TRUE(run.misses().empty());
  const std::string key = "batched_rmsnorm_fwd_56_eps358637bd";
  EXPECT_NE(field(with(run.events, "offer", "key", key).at(0), "body"),
            field(with(run.events, "lookup", "key", key).at(0), "body"));
  EXPECT_NE(run.loss(0), healthy.loss(0));
  EXPECT_NEAR(run.loss(0), healthy.loss(0), 1e-2);
}

}  // namespace
}  // namespace smgate::workload::test
