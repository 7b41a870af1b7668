#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "common/file.hpp"
#include "runner/check/check.hpp"
#include "tests/adapters/read_log.hpp"

namespace smgate::contract {
namespace {

using test::all;

constexpr const char* kWarm =
    "[CUDA] Kernel cache initialized for target: sm_121\n"
    "  GPU: NVIDIA GB10 (128.5 GB)\n"
    "[FWD-CACHE] Compiling 'batched_rmsnorm_fwd_64_eps3727c5ac' (ptx_len=3143)\n"
    "[GH-480] Patched 2 backward branch(es) for sm_121 JIT workaround\n"
    "[FWD-CACHE] OK 'batched_rmsnorm_fwd_64_eps3727c5ac'\n"
    "[CUDA] Pre-warmed 25 forward kernels (JIT compiled before block upload)\n";

const AdapterSpec kAprender{"aprender", {}, ""};

std::vector<Event> read_log(std::string_view log, std::size_t chunk = 1000) {
  return test::read_log(kAprender, log, chunk);
}
Report judge_log(std::string_view log) { return test::judge_log("aprender", log); }

TEST(Aprender, ReadsACompileWithItsSizeAndLine) {
  const std::vector<Compile> compiles = all<Compile>(read_log(kWarm));
  ASSERT_EQ(compiles.size(), 1U);
  EXPECT_EQ(compiles[0].key, "batched_rmsnorm_fwd_64_eps3727c5ac");
  EXPECT_EQ(compiles[0].bytes, 3143U);
  EXPECT_EQ(compiles[0].at, "run.log:3");
}

TEST(Aprender, GivesTheSameEventsHoweverTheLogIsCut) {
  const std::vector<Event> whole = read_log(kWarm);
  for (std::size_t chunk = 1; chunk < 40; ++chunk) EXPECT_EQ(read_log(kWarm, chunk), whole) << chunk;
}

TEST(Aprender, TakesAPatchOutsideACompileForOneThatNoCacheLogged) {
  const Report report =
      judge_log(std::string(kWarm) + "[GH-480] Patched 1 backward branch(es) for sm_121 JIT workaround\n");
  ASSERT_EQ(report.findings.size(), 2U);  // and no step
  EXPECT_EQ(report.findings[0].kind, "unlogged_jit");
  EXPECT_EQ(report.findings[0].key, "");
}

TEST(Aprender, ReadsThroughColoursAndBytesThatAreNotUtf8) {
  const std::string line =
      "\x1B[32m[FWD-CACHE]\x1B[0m Compiling 'silu\xFF_forward' (ptx_len=7)\r\n[FWD-CACHE] OK 'silu\xFF_forward'";
  const std::vector<Compile> compiles = all<Compile>(read_log(line));
  ASSERT_EQ(compiles.size(), 1U);
  EXPECT_EQ(compiles[0].key, "silu\xEF\xBF\xBD_forward");
  EXPECT_TRUE(compiles[0].ok);
}

TEST(Aprender, NeverTurnsSilenceIntoAPass) {
  for (const std::string& log :
       {std::string(), std::string("hello\n"), std::string(kWarm),
        kWarm + std::string("✓ Distillation complete: initial_loss=9.0 → final_loss=1.0 (1 steps, 1s)\n")})
    EXPECT_NE(judge_log(log).verdict, Verdict::pass) << log;
}

TEST(Aprender, SaysThatACompileDidNotEnd) {
  const std::vector<Compile> compiles =
      all<Compile>(read_log("[BWD-CACHE] Compiling 'gemm_1_2' (ptx_len=9)\nCUDA_ERROR_INVALID_PTX\n"));
  ASSERT_EQ(compiles.size(), 1U);
  EXPECT_FALSE(compiles[0].ok);
}

TEST(Aprender, FindsASkippedBackwardPrewarm) {
  const Report report =
      judge_log(std::string(kWarm) +
                "[BWD-PREWARM] Skipping (lora_rank=0)\n  ✓ 28 transformer blocks uploaded to GPU\n"
                "[BWD-CACHE] Compiling 'silu_backward' (ptx_len=9)\n[BWD-CACHE] OK 'silu_backward'\n");
  ASSERT_FALSE(report.causes.empty());
  EXPECT_EQ(report.causes[0].id, "prewarm_skipped");
}

// The published pass of the incident: it still compiles four keys late, and two patches belong to no logged compile.
class PublishedPass : public testing::Test {
 protected:
  void SetUp() override {
    const std::string path = SMGATE_SOURCE_DIR "/../shared/evidence/gb10-phase3-pass.log";
    if (!std::filesystem::exists(path)) GTEST_SKIP() << "no evidence beside the sources";
    report = judge_log(read_file(path, 1U << 20U).value());
  }
  Report report;
};

TEST_F(PublishedPass, IsAFailureForFourLateCompilesAndTwoUnloggedOnes) {
  EXPECT_EQ(report.verdict, Verdict::fail);
  std::map<std::string, std::string> drifted;
  int unlogged = 0;
  for (const Finding& finding : report.findings) {
    if (finding.clause != "KC-3") continue;
    unlogged += finding.key.empty() && finding.kind == "unlogged_jit" ? 1 : 0;
    if (finding.key.empty()) continue;
    EXPECT_EQ(finding.kind, "drifted");
    ASSERT_EQ(finding.tokens.size(), 1U);
    drifted[finding.key] = finding.nearest_key + ": " + say(finding.tokens[0]);
  }
  const std::string eps = ": eps 1e-06 at run time, 1e-05 pre-warmed",
                    seq = ": sequence length 1 at run time, 2048 pre-warmed";
  const std::map<std::string, std::string> expected = {
      {"batched_rmsnorm_fwd_1536_eps358637bd", "batched_rmsnorm_fwd_1536_eps3727c5ac" + eps},
      {"batched_rmsnorm_fwd_896_eps358637bd", "batched_rmsnorm_fwd_896_eps3727c5ac" + eps},
      {"batched_rope_bwd_14_64_1_th49742400", "batched_rope_bwd_14_64_2048_th49742400" + seq},
      {"batched_rope_bwd_2_64_1_th49742400", "batched_rope_bwd_2_64_2048_th49742400" + seq}};
  EXPECT_EQ(drifted, expected);
  EXPECT_EQ(unlogged, 2);
}

TEST_F(PublishedPass, CountsSixtyNineKeysAndMissesTheLosses) {
  EXPECT_EQ(report.summary.keys_prewarmed, 65U);
  EXPECT_EQ(report.summary.steps, 62U);
  EXPECT_EQ(report.summary.late_compiles, 6U);
  for (const ClauseResult& clause : report.clauses)
    EXPECT_TRUE(clause.id.starts_with("KC") || clause.outcome != Outcome::pass) << clause.id;
}

// `smgate-runner check --adapter aprender --manifest gb10-phase3-dispatch.json gb10-phase3-pass.log`
class PublishedPassAndItsManifest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string evidence = SMGATE_SOURCE_DIR "/../shared/evidence/";
    check::Options options;
    options.paths = {evidence + "gb10-phase3-pass.log"};
    options.adapter = kAprender;
    if (!std::filesystem::exists(options.paths[0])) GTEST_SKIP() << "no evidence beside the sources";
    Policy policy;
    ASSERT_FALSE(check::read_manifest(evidence + "gb10-phase3-dispatch.json", policy));
    report = judge(check::read_facts(options).value(), policy);
  }
  std::vector<Finding> of(const std::string& clause) const {
    std::vector<Finding> findings;
    for (const Finding& finding : report.findings)
      if (finding.clause == clause) findings.push_back(finding);
    return findings;
  }
  Report report;
};

TEST_F(PublishedPassAndItsManifest, FailForTheStepsAndTellOfTheBatch) {
  ASSERT_EQ(of("DS-6").size(), 1U);
  EXPECT_EQ(of("DS-6")[0].message, "steps was declared as 50; the run had 62");
  ASSERT_EQ(report.warnings.size(), 1U);
  EXPECT_THAT(report.warnings[0].message, testing::HasSubstr("batch_size (declared as 4)"));
}

TEST_F(PublishedPassAndItsManifest, FailForTheOrderTheLateCompilesAndTheMissingLosses) {
  EXPECT_EQ(report.verdict, Verdict::fail);
  EXPECT_EQ(of("KC-3").size(), 6U);
  ASSERT_EQ(of("KC-7").size(), 1U);
  EXPECT_EQ(of("KC-7")[0].message, "the pre-warm of `model 2` ended after the payload of `model 1` was on the device");
  ASSERT_EQ(of("DS-1").size(), 1U);
  EXPECT_EQ(of("DS-1")[0].kind, "missing_steps");
  for (const ClauseResult& clause : report.clauses) EXPECT_NE(clause.outcome, Outcome::pass) << clause.id;
}

}  // namespace
}  // namespace smgate::contract
