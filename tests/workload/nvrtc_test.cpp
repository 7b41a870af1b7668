// Every kernel through NVIDIA's run-time compiler, which needs no GPU. Skipped where the CUDA toolkit is not there.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "runner/workload/base/sha256.hpp"
#include "runner/workload/cache/cubin.hpp"
#include "runner/workload/cuda/kernels/kernels.hpp"
#include "tests/workload/cuda_kernels.hpp"
#include "tests/workload/support.hpp"

namespace smgate::workload::test {
namespace {

class Nvrtc : public testing::Test {
 protected:
  void SetUp() override {
    auto found = open_nvrtc();
    if (!found) GTEST_SKIP() << found.error();
    compiler_ = std::move(found.value());
  }
  std::unique_ptr<Compiler> compiler_;
};

// Keeps what it is asked to compile.
class Recorder : public Compiler {
 public:
  explicit Recorder(std::map<std::string, Body>& bodies) : bodies_(bodies) {}
  std::string describe() const override { return "recorder"; }
  bool real() const override { return false; }
  std::string inputs(const Body& body, const std::string&) const override { return body.text(); }
  Compiled compile(const Body& body, const std::string& arch) const override {
    bodies_.emplace(std::string(body.kernel()), body);
    return {true, body.text(), arch, "", 0.0};
  }

 private:
  std::map<std::string, Body>& bodies_;
};

// One body of each kernel of the built-in list.
std::map<std::string, Body> kernels() {
  std::map<std::string, Body> bodies;
  Parts parts("sm_89", std::make_unique<Recorder>(bodies));
  const RunConfig config = *config_of_scale("tiny");
  const PrewarmList list = builtin_prewarm();
  for (const auto warm : {list.teacher, list.student, list.student_backward}) {
    parts.cache().begin_prewarm("all");
    warm(parts.cache(), config);
    parts.cache().end_prewarm();
  }
  return bodies;
}

// ELF: magic, and the machine of CUDA.
void expect_cubin(const Compiled& result) {
  ASSERT_GT(result.code.size(), 64u);
  EXPECT_EQ(result.code.substr(0, 4),
            "\x7f"
            "ELF");
  EXPECT_EQ(static_cast<unsigned char>(result.code[18]), 190);
}

TEST_F(Nvrtc, CompilesEveryKernelForEveryArchitecture) {
  const auto bodies = kernels();
  EXPECT_EQ(bodies.size(), 28u);
  for (const char* arch : {"sm_89", "sm_90", "sm_121"}) {
    for (const auto& [name, body] : bodies) {
      const Compiled result = compiler_->compile(body, arch);
      EXPECT_TRUE(result.ok) << name << " for " << arch << ": " << result.log;
      EXPECT_EQ(result.log, "") << name;
      if (result.ok) expect_cubin(result);
    }
  }
}

// The GPU's own kernels of a scale, in both storage types; those of one architecture, as the cache would, for it alone.
TEST_F(Nvrtc, CompilesTheKernelsOfEveryScaleForEveryArchitecture) {
  for (const std::string arch : {"sm_89", "sm_90", "sm_121"}) {
    std::map<std::string, Body> bodies;
    for (const char* scale : {"tiny", "small", "seed"}) {
      bodies.merge(cuda_kernels(scale, Math::kBf16, arch));
      bodies.merge(cuda_kernels(scale, Math::kTf32, arch));
    }
    EXPECT_GT(bodies.size(), 80u);
    for (const auto& [digest, body] : bodies) {
      const Compiled result = compiler_->compile(body, target_for(body, arch));
      EXPECT_TRUE(result.ok) << body.kernel() << " for " << arch << ": " << result.log;
      EXPECT_EQ(result.log, "") << body.kernel();
    }
  }
}

// The pre-warm list and the step ask for the one or the other by the same rule.
TEST(Prewarm, TakesOneKernelForGateAndUpWhereTheTargetHasWhatItNeeds) {
  const auto offered = [](const char* name, Math math, const std::string& arch) {
    const auto bodies = cuda_kernels("seed", math, arch);
    return std::count_if(bodies.begin(), bodies.end(), [&](const auto& each) { return each.second.kernel() == name; });
  };
  EXPECT_EQ(offered("linear_swiglu", Math::kBf16, "sm_90"), 2);
  EXPECT_EQ(offered("swiglu_fwd", Math::kBf16, "sm_90"), 0);
  EXPECT_EQ(offered("linear_swiglu", Math::kTf32, "sm_90"), 0);
  for (const char* arch : {"sm_89", "sm_100", "sm_121"}) {
    EXPECT_EQ(offered("linear_swiglu", Math::kBf16, arch), 0) << arch;
    EXPECT_EQ(offered("swiglu_fwd", Math::kBf16, arch), 2) << arch;
  }
}

// Dynamic shared memory, which a compiler does not see.
TEST(Attention, HoldsNoMoreSharedMemoryThanABlockOfSm121May) {
  constexpr std::uint32_t kBlockBytes = 99 * 1024, kStaticBytes = 1024;
  for (const char* scale : {"tiny", "small", "seed"}) {
    const RunConfig config = *config_of_scale(scale);
    for (const ModelShape& model : {config.teacher, config.student}) {
      const AttentionShape shape = config.attention(model);
      const std::uint32_t bytes =
          cuda::kernels::attention_shared_bytes(cuda::Storage::kBf16, shape, cuda::kernels::kAttentionTilesHeldQ);
      EXPECT_LE(bytes + kStaticBytes, kBlockBytes) << scale << " " << model.name;
    }
  }
}

TEST_F(Nvrtc, GivesTheSameCubinForTheSameBody) {
  const Body body = bodies::rmsnorm_forward(96, 1e-6f);
  const std::string once = sha256_hex(compiler_->compile(body, "sm_89").code);
  EXPECT_EQ(once, sha256_hex(compiler_->compile(body, "sm_89").code));
  EXPECT_NE(once, sha256_hex(compiler_->compile(bodies::rmsnorm_forward(96, 1e-5f), "sm_89").code));
  EXPECT_NE(once, sha256_hex(compiler_->compile(body, "sm_121").code));
}

TEST_F(Nvrtc, MarksItsCubinsWithTheirArchitecture) {
  const Body body = bodies::silu_forward();
  for (const char* arch : {"sm_75", "sm_80", "sm_89", "sm_90", "sm_100", "sm_120", "sm_121"}) {
    EXPECT_EQ(cubin_target(compiler_->compile(body, arch).code), arch);
  }
}

TEST_F(Nvrtc, OfAnotherArchitectureIsReportedAsNotNative) {
  Parts parts("sm_89", std::move(compiler_), {nullptr, "sm_90", false, 2});
  parts.cache().begin_prewarm("all");
  parts.cache().offer("silu_forward", bodies::silu_forward());
  parts.cache().end_prewarm();
  const auto load = of_kind(parts.events(), "load").at(0);
  EXPECT_EQ(field(load, "target"), "sm_90");
  EXPECT_EQ(field(load, "native"), "false");
}

TEST_F(Nvrtc, KeysACubinByEverythingThatItDependsOn) {
  const Body body = bodies::rmsnorm_forward(96, 1e-6f);
  EXPECT_EQ(compiler_->inputs(body, "sm_89"), compiler_->inputs(body, "sm_89"));
  EXPECT_NE(compiler_->inputs(body, "sm_89"), compiler_->inputs(body, "sm_90"));
  EXPECT_NE(compiler_->inputs(body, "sm_89"), compiler_->inputs(bodies::rmsnorm_forward(96, 1e-5f), "sm_89"));
  EXPECT_NE(compiler_->inputs(body, "sm_89").find("NVRTC"), std::string::npos);
}

void spoil(const Body&, const Args&) {}
Grid one_block(const Body&, const Args&) { return {1, 1}; }

TEST_F(Nvrtc, SaysWhyAKernelDoesNotCompile) {
  const KernelDef broken{"broken", "extern \"C\" __global__ void broken() { no_such_function(); }\n", spoil, one_block};
  const Compiled result = compiler_->compile(Body(broken), "sm_121");
  EXPECT_FALSE(result.ok);
  EXPECT_NE(result.log.find("no_such_function"), std::string::npos);
}

TEST_F(Nvrtc, SaysWhyAnArchitectureIsNotKnown) {
  const Compiled result = compiler_->compile(bodies::silu_forward(), "sm_7");
  EXPECT_FALSE(result.ok);
  EXPECT_NE(result.log, "");
}

TEST_F(Nvrtc, IsNamedByARunThatUsesIt) {
  const SmokeRun run = smoke({"--arch", "sm_121", "--steps", "1"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_TRUE(field(run.of("run_start").at(0), "compiler").starts_with("NVRTC"));
  EXPECT_TRUE(run.of("note").empty());
  for (const std::string& line : run.of("load")) EXPECT_EQ(field(line, "native"), "true");
}

TEST(NvrtcSearch, SaysWhereItLookedWhereThereIsNone) {
  ::setenv("SMGATE_NVRTC", "/no/such/libnvrtc.so", 1);
  EXPECT_NE(open_nvrtc().error().find("/no/such/libnvrtc.so"), std::string::npos);
  EXPECT_EQ(smoke({"--arch", "sm_89", "--compiler", "nvrtc"}).exit_code, 1);
  const SmokeRun run = smoke({"--arch", "sm_89", "--compiler", "auto", "--steps", "1"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_NE(field(run.of("note").at(0), "text").find("not found"), std::string::npos);
  ::unsetenv("SMGATE_NVRTC");
}

}  // namespace
}  // namespace smgate::workload::test
