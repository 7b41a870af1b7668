// Logs of programs that compile kernels while they run: vLLM, DeepGEMM, JAX.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/adapters/read_log.hpp"

namespace smgate::contract {
namespace {

using test::all;

constexpr const char* kServer =
    "(EngineCore_DP0 pid=594) INFO 08-04 13:16:01 [core.py:96] Initializing a V1 LLM engine (v0.17.0) with config: "
    "model='m'\n"
    "(Worker_TP0 pid=601) INFO 08-04 13:16:51 [jit_monitor.py:79] Kernel JIT monitor activated; monitored JIT "
    "compilations during inference will use mode=warn.\n"
    "(APIServer pid=270) INFO:     Application startup complete.\n";

TEST(Vllm, TakesACompileWhileServingForALateOne) {
  const std::string log =
      std::string(kServer) +
      "(Worker_TP0 pid=601) WARNING 08-04 13:20:00 [jit_monitor.py:103] Triton kernel JIT compilation during "
      "inference: "
      "_fwd_kernel (key=[128, 'bf16']). This causes a latency spike; consider extending warmup to cover this shape.\n"
      "(Worker_TP0 pid=601) WARNING 08-04 13:20:01 [jit_monitor.py:103] Triton kernel JIT compilation during "
      "inference: "
      "layer_norm_fwd_kernel. This causes a latency spike; consider extending warmup to cover this shape/config.\n";
  const std::vector<Event> events = test::read_log("vllm", log);
  const auto compiles = all<Compile>(events);
  ASSERT_EQ(compiles.size(), 2U);
  EXPECT_EQ(compiles[0].key, "_fwd_kernel[128, 'bf16']");
  EXPECT_EQ(compiles[1].key, "layer_norm_fwd_kernel");
  EXPECT_EQ(compiles[1].at, "run.log:5");
  const Report report = judge(test::facts_of(events), {});
  EXPECT_EQ(report.verdict, Verdict::fail);
  EXPECT_EQ(
      std::count_if(report.findings.begin(), report.findings.end(), [](const auto& f) { return f.clause == "KC-3"; }),
      2);
}

TEST(Vllm, TakesAMonitorThatSawNothingForNoProof) {
  EXPECT_EQ(all<PrewarmEnd>(test::read_log("vllm", kServer)).size(), 1U);
  for (const ClauseResult& clause : test::judge_log("vllm", kServer).clauses)
    EXPECT_NE(clause.outcome, Outcome::pass) << clause.id;
}

TEST(DeepGemm, ReadsCompilesAndLoads) {
  const std::vector<Event> events = test::read_log(
      "deepgemm",
      "Running NVCC command: cd /root/.deep_gemm/tmp/1f && /usr/local/cuda/bin/nvcc /root/.deep_gemm/tmp/1f/kernel.cu "
      "-cubin -o /root/.deep_gemm/tmp/1f/kernel.cubin -gencode=arch=compute_90a,code=sm_90a -O3\n"
      "Load time (/root/.deep_gemm/cache/kernel.sm90_fp8_gemm_1d2d.0f3c9a): 1.25 ms\n"
      "Running NVCC command: nvcc /c/kernel.sm90_bf16_gemm.77aa/kernel.cu -o "
      "/c/kernel.sm90_bf16_gemm.77aa/kernel.cubin\n");
  const auto compiles = all<Compile>(events);
  ASSERT_EQ(compiles.size(), 2U);
  EXPECT_EQ(compiles[0].key, "");  // a temporary folder names no kernel
  EXPECT_EQ(compiles[0].target, "sm_90a");
  EXPECT_EQ(compiles[1].key, "sm90_bf16_gemm.77aa");
  ASSERT_EQ(all<Load>(events).size(), 1U);
  EXPECT_EQ(all<Load>(events)[0].key, "sm90_fp8_gemm_1d2d.0f3c9a");
  EXPECT_EQ(all<Load>(events)[0].module, "0f3c9a");
}

TEST(DeepGemm, FindsLateWorkWhereAPatternMarksTheWarmUp) {
  const AdapterSpec spec{"deepgemm", {{"prewarm_end", {"^warm-up done"}}}, ""};
  const Report report = judge(test::facts_of(test::read_log(
                                  spec,
                                  "Load time (/c/kernel.gemm.01): 1.25 ms\nwarm-up done\n"
                                  "Load time (/c/kernel.gemm.02): 1.25 ms\nRunning NVCC command: nvcc /t/kernel.cu\n")),
                              {});
  std::vector<std::string> kinds;
  for (const Finding& finding : report.findings)
    if (finding.clause == "KC-3") kinds.push_back(finding.kind);
  EXPECT_THAT(kinds, testing::UnorderedElementsAre("late_load", "unlogged_jit"));
}

constexpr const char* kJax =
    "WARNING:2026-09-01 10:00:00,000:jax._src.interpreters.pxla:2000: Compiling jit(train_step) with global shapes and "
    "types [ShapedArray(float32[8,128])]. Argument mapping: (UnspecifiedValue,).\n"
    "WARNING:jax._src.dispatch:Finished XLA compilation of jit(train_step) in 0.25 sec\n"
    "Persistent compilation cache hit for 'jit_step' with key 'jit_step-0af3'\n"
    "Finished XLA compilation of jit(step) in 0.001 sec\n";

TEST(Jax, TellsACompileFromAHitOfThePersistentCache) {
  const std::vector<Event> events = test::read_log("jax", kJax);
  const auto compiles = all<Compile>(events);
  ASSERT_EQ(compiles.size(), 1U);
  EXPECT_EQ(compiles[0].key, "train_step[ShapedArray(float32[8,128])]");
  EXPECT_EQ(compiles[0].ms, 250.0);
  ASSERT_EQ(all<Load>(events).size(), 1U);
  EXPECT_EQ(all<Load>(events)[0].key, "step");
  EXPECT_EQ(all<Load>(events)[0].module, "0af3");
  EXPECT_EQ(all<RunStart>(events).at(0).cold, false);
}

TEST(Jax, KnowsNoEndOfWarmUpByItself) {
  const Report report = test::judge_log("jax", kJax);
  EXPECT_TRUE(
      std::none_of(report.findings.begin(), report.findings.end(), [](const auto& f) { return f.clause == "KC-3"; }));
  EXPECT_NE(report.verdict, Verdict::pass);
}

}  // namespace
}  // namespace smgate::contract
