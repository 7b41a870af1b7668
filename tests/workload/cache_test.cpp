#include <gtest/gtest.h>

#include "runner/workload/kernels/kernel.hpp"
#include "tests/workload/support.hpp"

namespace smgate::workload::test {
namespace {

void expect_count(const Parts& parts, const std::string& kind, std::size_t count) {
  EXPECT_EQ(of_kind(parts.events(), kind).size(), count) << kind;
}

TEST(KernelCache, CompilesAndLoadsWhatIsOffered) {
  Parts parts;
  parts.cache().begin_prewarm("teacher");
  parts.cache().offer("silu_forward", bodies::silu_forward());
  parts.cache().end_prewarm();
  const auto compile = of_kind(parts.events(), "compile").at(0);
  EXPECT_EQ(field(compile, "key"), "silu_forward");
  EXPECT_EQ(field(compile, "body"), bodies::silu_forward().digest());
  EXPECT_EQ(field(compile, "target"), "sm_89");
  expect_count(parts, "load", 1);
  EXPECT_EQ(field(of_kind(parts.events(), "prewarm_end").at(0), "claimed"), "1");
}

TEST(KernelCache, KeepsTheFirstBodyUnderAKeyAndReportsBoth) {
  Parts parts;
  parts.cache().begin_prewarm("teacher");
  parts.cache().offer("silu_forward", bodies::silu_forward());
  parts.cache().offer("silu_forward", bodies::silu_backward());
  parts.cache().end_prewarm();
  expect_count(parts, "offer", 2);
  expect_count(parts, "compile", 1);
  const Module& kept = parts.cache().get_or_compile("teacher", "silu_forward", bodies::silu_forward());
  EXPECT_EQ(kept.body.kernel(), "silu_forward");
}

TEST(KernelCache, ReportsTheLineThatOffersAndTheLineThatLooksUp) {
  Parts parts;
  parts.cache().begin_prewarm("teacher");
  const unsigned offered = __LINE__ + 1;
  parts.cache().offer("silu_forward", bodies::silu_forward());
  parts.cache().end_prewarm();
  parts.cache().get_or_compile("teacher", "silu_forward", bodies::silu_forward());
  const std::string line = "cache_test.cpp:" + std::to_string(offered);
  EXPECT_TRUE(field(of_kind(parts.events(), "offer").at(0), "at").ends_with(line));
  const std::string looked_up = "cache_test.cpp:" + std::to_string(offered + 2);
  EXPECT_TRUE(field(of_kind(parts.events(), "lookup").at(0), "at").ends_with(looked_up));
}

TEST(KernelCache, ReportsAHitOnceForEachScopeKeyAndBody) {
  Parts parts;
  parts.cache().begin_prewarm("teacher");
  parts.cache().offer("silu_forward", bodies::silu_forward());
  parts.cache().end_prewarm();
  for (int i = 0; i < 3; ++i) parts.cache().get_or_compile("teacher", "silu_forward", bodies::silu_forward());
  expect_count(parts, "lookup", 1);
  parts.cache().get_or_compile("student", "silu_forward", bodies::silu_forward());
  expect_count(parts, "lookup", 2);
  parts.cache().get_or_compile("student", "silu_forward", bodies::silu_backward());
  expect_count(parts, "lookup", 3);
}

TEST(KernelCache, ALookupCarriesTheBodyThatTheCallerWouldBuild) {
  Parts parts;
  const auto right = bodies::rmsnorm_forward(96, 1e-6f), wrong = bodies::rmsnorm_forward(96, 1e-5f);
  parts.cache().begin_prewarm("teacher");
  parts.cache().offer("k", wrong);
  parts.cache().end_prewarm();
  const Module& module = parts.cache().get_or_compile("teacher", "k", right);
  EXPECT_EQ(module.body.f32("eps"), 1e-5f);
  EXPECT_EQ(field(of_kind(parts.events(), "lookup").at(0), "body"), right.digest());
}

TEST(LateCompile, PoisonsTheStreamOfSm121AndNamesNoKernel) {
  Parts parts("sm_121");
  float in = 1.0f, out = 0.0f;
  const Body body = bodies::silu_forward();
  const Module& module = parts.cache().get_or_compile("teacher", "silu_forward", body);
  EXPECT_EQ(parts.cache().late_compiles(), 1u);
  try {
    parts.backend().launch(module, body.kernel(), {&out, &in, 1u});
    FAIL() << "the launch went through";
  } catch (const RunFailure& failure) {
    EXPECT_EQ(std::string(failure.what()).find("silu"), std::string::npos);
    EXPECT_NE(std::string(failure.what()).find("CUDA_ERROR_ILLEGAL_ADDRESS"), std::string::npos);
  }
}

TEST(LateCompile, IsToleratedBySm89) {
  Parts parts("sm_89");
  float in = 1.0f, out = 0.0f;
  const Body body = bodies::silu_forward();
  parts.backend().launch(parts.cache().get_or_compile("teacher", "silu_forward", body), body.kernel(), {&out, &in, 1u});
  EXPECT_NEAR(out, 0.7310586, 1e-6);
}

TEST(Launch, FailsWhereTheModuleHoldsAnotherKernel) {
  Parts parts;
  parts.cache().begin_prewarm("teacher");
  parts.cache().offer("rope", bodies::silu_forward());
  parts.cache().end_prewarm();
  const Module& module = parts.cache().get_or_compile("teacher", "rope", bodies::rmsnorm_backward());
  EXPECT_THROW(parts.backend().launch(module, "batched_rms_norm_backward", {}), RunFailure);
}

class FailingCompiler : public Compiler {
 public:
  std::string describe() const override { return "failing"; }
  bool real() const override { return true; }
  Compiled compile(const Body&, const std::string& arch) const override {
    return {false, "", arch, "silu.cu(3): error\n", 1.5};
  }
  std::string inputs(const Body& body, const std::string&) const override { return body.text(); }
};

TEST(KernelCache, ACompileThatFailsEndsTheRunWithTheCompilersLog) {
  Parts parts("sm_121", std::make_unique<FailingCompiler>());
  parts.cache().begin_prewarm("teacher");
  parts.cache().offer("silu_forward", bodies::silu_forward());
  EXPECT_THROW(parts.cache().end_prewarm(), RunFailure);
  const auto compile = of_kind(parts.events(), "compile").at(0);
  EXPECT_EQ(field(compile, "ok"), "false");
  EXPECT_EQ(field(compile, "log"), "silu.cu(3): error\\n");
  expect_count(parts, "load", 0);
}

// One that uses the instructions of an architecture alone does not run on the next of its family.
TEST(KernelCache, CompilesAKernelOfOneArchitectureForItAlone) {
  Parts parts("sm_121");
  KernelDef alone = bodies::silu_forward().definition();
  alone.alone = true;
  parts.cache().begin_prewarm("teacher");
  parts.cache().offer("silu_forward", Body(alone));
  parts.cache().offer("elementwise_mul_forward", bodies::elementwise_mul_forward());
  parts.cache().end_prewarm();
  const auto loads = of_kind(parts.events(), "load");
  EXPECT_EQ(field(loads.at(0), "target"), "sm_121a");
  EXPECT_EQ(field(loads.at(0), "native"), "true");
  EXPECT_EQ(field(loads.at(1), "target"), "sm_121");
}

TEST(Allocator, RefusesWhatDoesNotFitAndReportsIt) {
  Parts parts("sm_89");
  EXPECT_THROW(parts.backend().reserve("workspace", 60'129'542'144u, events::Here::now()), RunFailure);
  const auto alloc = of_kind(parts.events(), "alloc").at(0);
  EXPECT_EQ(field(alloc, "bytes"), "60129542144");
  EXPECT_EQ(field(alloc, "ok"), "false");
}

TEST(Keys, FollowTheGrammarOfTheField) {
  EXPECT_EQ(keys::rmsnorm_forward(896, 1e-6f), "batched_rmsnorm_fwd_896_eps358637bd");
  EXPECT_EQ(keys::rmsnorm_forward(896, 1e-5f), "batched_rmsnorm_fwd_896_eps3727c5ac");
  EXPECT_EQ(keys::rope_backward(14, 64, 2048, 1e6f), "batched_rope_bwd_14_64_2048_th49742400");
  EXPECT_EQ(keys::gemm_backward_a({2048, 896, 4864}), "gemm_backward_a_2048_896_4864");
}

}  // namespace
}  // namespace smgate::workload::test
