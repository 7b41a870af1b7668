#include "runner/workload/run/options.hpp"

#include <gtest/gtest.h>

#include "tests/workload/support.hpp"

namespace smgate::workload::test {
namespace {

Outcome<std::string> no_gpu() { return Failure{"none in this test"}; }
Outcome<std::string> an_h200() { return std::string("sm_90"); }

Outcome<Options> parse(std::vector<std::string> arguments, const GpuProbe& gpu = no_gpu) {
  arguments.insert(arguments.begin(), "smgate-smoke");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  return parse_options(static_cast<int>(argv.size()), argv.data(), gpu);
}

TEST(Options, TakeTheIncidentsHyperParametersAtTinyScale) {
  const auto options = parse({"--arch", "sm_89"});
  ASSERT_TRUE(options);
  const RunConfig& config = options.value().config;
  EXPECT_EQ(config.steps, 62u);
  EXPECT_EQ(config.learning_rate, 1e-3f);
  EXPECT_EQ(config.alpha, 0.3f);
  EXPECT_EQ(config.temperature, 4.0f);
  EXPECT_EQ(config.teacher.heads, 12u);
  EXPECT_EQ(config.student.heads, 14u);
}

TEST(Options, ReadNumbersAndRefuseWhatIsNone) {
  const auto options = parse({"--arch", "sm_121", "--steps", "7", "--seed", "5", "--lr", "2.5e-4"});
  ASSERT_TRUE(options);
  EXPECT_EQ(options.value().config.steps, 7u);
  EXPECT_EQ(options.value().config.seed, 5u);
  EXPECT_EQ(options.value().config.learning_rate, 2.5e-4f);
  for (const char* steps : {"0", "-1", "7x", "", "99999999999"})
    EXPECT_FALSE(parse({"--arch", "sm_89", "--steps", steps}) && *steps);
  for (const char* rate : {"nan", "inf", "-1", "1e"}) EXPECT_FALSE(parse({"--arch", "sm_89", "--lr", rate})) << rate;
}

TEST(Options, NameWhatIsWrongAndWhatIsKnown) {
  EXPECT_NE(parse({"--arch", "sm_89", "--fault", "none-such"}).error().find("shared-key"), std::string::npos);
  EXPECT_NE(parse({"--arch", "sm_75"}).error().find("sm_121"), std::string::npos);
  EXPECT_NE(parse({"--arch", "sm_89", "--scale", "huge"}).error().find("tiny"), std::string::npos);
  EXPECT_NE(parse({"--arch", "sm_89", "--compiler", "gcc"}).error().find("nvrtc"), std::string::npos);
  EXPECT_NE(parse({"--what"}).error().find("--what"), std::string::npos);
  EXPECT_NE(parse({"--arch"}).error().find("wants a value"), std::string::npos);
}

TEST(Options, TakeTheGpuWhereItIsOfTheArchitectureAskedFor) {
  const auto asked = parse({"--arch", "sm_90"}, an_h200);
  ASSERT_TRUE(asked);
  EXPECT_TRUE(asked.value().config.gpu);
  EXPECT_EQ(asked.value().config.math, Math::kBf16);
  EXPECT_EQ(parse({}, an_h200).value().arch, "sm_90");
  EXPECT_FALSE(parse({"--arch", "sm_121"}, an_h200).value().config.gpu);
  EXPECT_FALSE(parse({"--arch", "sm_89", "--backend", "cpu"}, an_h200).value().config.gpu);
  EXPECT_EQ(parse({"--math", "tf32"}, an_h200).value().config.math, Math::kTf32);
}

TEST(Options, SayWhyThereIsNoGpu) {
  EXPECT_NE(parse({"--backend", "cuda"}).error().find("none in this test"), std::string::npos);
  EXPECT_NE(parse({"--arch", "sm_121", "--backend", "cuda"}, an_h200).error().find("is sm_90"), std::string::npos);
  EXPECT_NE(parse({"--arch", "sm_89", "--math", "bf16"}).error().find("fp32"), std::string::npos);
  EXPECT_NE(parse({"--arch", "sm_89", "--scale", "seed"}).error().find("days"), std::string::npos);
  EXPECT_NE(parse({"--arch", "sm_89", "--backend", "tpu"}).error().find("auto, cpu, cuda"), std::string::npos);
}

TEST(Options, TakeTheIncidentsShapesAtSeedScaleAndAnyBatch) {
  const RunConfig config = parse({"--scale", "seed", "--batch", "32"}, an_h200).value().config;
  EXPECT_EQ(config.rows(), 32u * 256u);
  EXPECT_EQ(config.teacher.query_width(), 1536u);
  EXPECT_EQ(config.student.query_width(), 896u);
  EXPECT_EQ(config.learning_rate, 1.5e-5f);
  for (const char* batch : {"0", "65537", "4x"}) EXPECT_FALSE(parse({"--batch", batch}, an_h200)) << batch;
  EXPECT_FALSE(parse({"--seq", "32769"}, an_h200));
  EXPECT_NE(parse({"--batch", "65536", "--seq", "256"}, an_h200).error().find("positions"), std::string::npos);
}

TEST(Options, WantAnArchitecture) {
  ::unsetenv("SMGATE_ARCH");
  EXPECT_FALSE(parse({}));
  ::setenv("SMGATE_ARCH", "sm_121", 1);
  EXPECT_EQ(parse({}).value().arch, "sm_121");
  ::unsetenv("SMGATE_ARCH");
}

// For the life of the object.
class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  ~Environment() { ::unsetenv(name_); }

 private:
  const char* name_;
};

TEST(Options, TakeControlAndStepsFromTheEnvironment) {
  const Environment control("SMGATE_CONTROL", "no-prewarm");
  EXPECT_EQ(parse({"--arch", "sm_89"}).value().config.control, Control::kNoPrewarm);
  EXPECT_EQ(parse({"--arch", "sm_89"}).value().config.steps, kControlSteps);
  EXPECT_EQ(parse({"--arch", "sm_89"}).value().compiler, CompilerChoice::kNone);
  const Environment steps("SMGATE_STEPS_MAX", "12");
  EXPECT_EQ(parse({"--arch", "sm_89"}).value().config.steps, kControlSteps);
  EXPECT_EQ(parse({"--arch", "sm_89", "--steps", "62"}).value().config.steps, 12u);
  EXPECT_EQ(parse({"--arch", "sm_89", "--steps", "11"}).value().config.steps, 11u);
}

TEST(Options, WinOverTheEnvironment) {
  const Environment control("SMGATE_CONTROL", "no-prewarm");
  const auto options = parse({"--arch", "sm_89", "--control", "lr0", "--steps", "20", "--lr", "0.5"});
  EXPECT_EQ(options.value().config.control, Control::kLr0);
  EXPECT_EQ(options.value().config.learning_rate, 0.0f);
  EXPECT_EQ(options.value().config.steps, 20u);
  EXPECT_EQ(parse({"--arch", "sm_89", "--control", ""}).value().config.control, Control::kNone);
}

TEST(Options, NameTheVariableThatIsWrong) {
  const Environment steps("SMGATE_STEPS_MAX", "many");
  EXPECT_NE(parse({"--arch", "sm_89"}).error().find("SMGATE_STEPS_MAX"), std::string::npos);
}

TEST(Options, NameTheControlsThatThereAre) {
  const Environment control("SMGATE_CONTROL", "lr1");
  EXPECT_NE(parse({"--arch", "sm_89"}).error().find("lr0, shuffled-labels, no-prewarm, nan"), std::string::npos);
}

TEST(SmokeMain, RefusesAFolderThatCannotHoldEvents) {
  const Scratch scratch;
  std::ofstream(scratch / "file") << "in the way";
  const std::string folder = (scratch / "file" / "events").string(), out = (scratch / "out").string();
  std::vector<std::string> words = {"smgate-smoke", "--arch", "sm_89", "--events", folder, "--out", out};
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  EXPECT_EQ(smoke_main(static_cast<int>(argv.size()), argv.data()), 2);
  EXPECT_FALSE(std::filesystem::exists(scratch / "out"));
}

TEST(SmokeMain, ExitsWithTwoOnAUsageErrorAndReportsNothing) {
  EXPECT_EQ(smoke({"--arch", "sm_75"}).exit_code, 2);
  EXPECT_TRUE(smoke({"--arch", "sm_75"}).events.empty());
}

void warm_nothing(KernelCache&, const RunConfig&) {}

TEST(SmokeMain, RefusesAPrewarmFaultWhereTheListIsTheCallers) {
  const PrewarmList own{warm_nothing, warm_nothing, warm_nothing};
  EXPECT_EQ(smoke({"--arch", "sm_89", "--compiler", "none", "--fault", "shared-key"}, own).exit_code, 2);
}

TEST(SmokeMain, RunsWithTheCallersListAndCompilesLateWhatItLacks) {
  const PrewarmList own{warm_nothing, warm_nothing, warm_nothing};
  const SmokeRun run = smoke({"--arch", "sm_89", "--compiler", "none", "--steps", "1"}, own);
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_EQ(run.misses().size(), 53u);
  EXPECT_EQ(run.of("prewarm_end").size(), 3u);
}

TEST(SmokeMain, SaysSoWhereNothingIsCompiled) {
  const SmokeRun run = smoke({"--arch", "sm_89", "--compiler", "none", "--steps", "1"});
  EXPECT_TRUE(field(run.of("run_start").at(0), "compiler").starts_with("none"));
  EXPECT_EQ(run.of("note").size(), 1u);
}

TEST(ParseOptions, GivesAGpuACompilerInAControl) {
  const GpuProbe an_h200 = [] { return Outcome<std::string>(std::string("sm_90")); };
  EXPECT_EQ(parse({"--backend", "cuda", "--control", "lr0"}, an_h200).value().compiler, CompilerChoice::kAuto);
  EXPECT_EQ(parse({"--arch", "sm_89", "--control", "lr0"}).value().compiler, CompilerChoice::kNone);
  EXPECT_NE(parse({"--backend", "cuda", "--compiler", "none"}, an_h200).error().find("--backend cpu"), std::string::npos);
}

}  // namespace
}  // namespace smgate::workload::test
