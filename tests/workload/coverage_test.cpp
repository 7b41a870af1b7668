// Pre-warm keys cover run-time keys: over random configurations of the workload, and where they do not, it shows.
#include "smgate/coverage.hpp"

#include <gtest/gtest.h>

#include "runner/workload/base/random.hpp"
#include "tests/workload/support.hpp"

namespace smgate::workload::test {
namespace {

using coverage::uncovered;
using coverage::unused;
using Keys = std::vector<std::string>;

// Asks for every kernel and runs none: what a step asks for does not hang on what it computes.
class DryBackend : public EmulatedBackend {
 public:
  using EmulatedBackend::EmulatedBackend;
  void launch(const Module&, std::string_view, const Args&) override {}
  void library_gemm(GemmShape, float*, const float*, const float*) override {}
};

struct RunKeys {
  Keys prewarmed;
  Keys asked;
};

RunKeys keys_of(const RunConfig& config) {
  const Scratch scratch;
  events::Writer writer(scratch.path().string());
  const auto compiler = source_compiler();
  DryBackend backend(*find_emulated("sm_121"), writer);
  KernelCache cache("kernels", *compiler, backend, writer);
  CpuTrainer trainer(config, cache, backend, writer);
  trainer.prewarm(builtin_prewarm());
  const std::vector<float> teacher(trainer.teacher().weight_floats());
  const std::vector<float> student(trainer.student().weight_floats());
  trainer.upload_teacher(FloatWeights(trainer.teacher_layout(), teacher));
  trainer.upload_student(FloatWeights(trainer.student_layout(), student));
  trainer.allocate_training(make_batch(config));
  trainer.step(0);
  RunKeys keys;
  const Keys lines = event_lines(scratch.path());
  for (const std::string& line : of_kind(lines, "offer")) keys.prewarmed.push_back(field(line, "key"));
  for (const std::string& line : of_kind(lines, "lookup")) keys.asked.push_back(field(line, "key"));
  return keys;
}

ModelShape random_shape(Random& random, ModelShape shape) {
  shape.kv_heads = 1 + random.below(3);
  shape.heads = shape.kv_heads * (1 + random.below(4));
  shape.head_dim = 2 * (1 + random.below(4));
  // Half of the shapes have queries as wide as the model, as Qwen2 does, half have not.
  shape.hidden = random.below(2) == 0 ? shape.query_width() : 4 + random.below(24);
  shape.intermediate = 4 + random.below(24);
  shape.layers = 1 + random.below(2);
  shape.rms_norm_eps = random.below(2) == 0 ? 1e-5f : 1e-6f;
  shape.rope_theta = random.below(2) == 0 ? 1e4f : 1e6f;
  return shape;
}

RunConfig random_config(Random& random) {
  RunConfig config = *config_of_scale("tiny");
  config.batch = 1 + random.below(3);
  config.seq = 2 + random.below(30);
  config.teacher = random_shape(random, config.teacher);
  config.student = random_shape(random, config.student);
  config.teacher.vocab = config.student.vocab = 8 + random.below(24);
  config.teacher.library_gemms = random.below(4) == 0;
  config.lora_rank = random.below(2) == 0 ? 0 : 1 + random.below(8);
  return config;
}

// The list and the passes are written apart; whatever the shapes, the one must foresee the other, and no more.
TEST(Prewarm, CoversWhatAStepAsksForOverRandomConfigurations) {
  Random random(7);
  for (int round = 0; round < 60; ++round) {
    const RunConfig config = random_config(random);
    const RunKeys keys = keys_of(config);
    EXPECT_GT(keys.asked.size(), 40u);
    EXPECT_EQ(coverage::say(uncovered(keys.prewarmed, keys.asked)), "") << config_json(config);
    EXPECT_EQ(unused(keys.prewarmed, keys.asked), Keys{}) << config_json(config);
  }
}

// The same property would have found the incident's faults before any GPU saw them.
TEST(Prewarm, IsFoundWantingWithEachOfTheIncidentsFaults) {
  Random random(11);
  for (const Fault fault :
       {Fault::kSharedKey, Fault::kSkippedPrewarm, Fault::kMissingStage, Fault::kShortKey, Fault::kWrongEps}) {
    RunConfig config = with_fault(random_config(random), fault);
    config.lora_rank = 0;  // the early return and the second stage are those of a run that trains every weight
    for (ModelShape* model : {&config.teacher, &config.student}) model->rms_norm_eps = 1e-6f;
    const RunKeys keys = keys_of(config);
    EXPECT_FALSE(uncovered(keys.prewarmed, keys.asked).empty()) << static_cast<int>(fault);
  }
  RunConfig adapters = with_fault(random_config(random), Fault::kSkippedPrewarm);
  adapters.lora_rank = 4;
  const RunKeys keys = keys_of(adapters);
  EXPECT_TRUE(uncovered(keys.prewarmed, keys.asked).empty()) << "why nobody saw it: with adapters all was well";
}

TEST(Uncovered, TellsDriftFromMissingAndNamesTheNearest) {
  const Keys warm = {"norm_8_eps3727c5ac", "norm_16_eps358637bd", "rope_14_64_2048_th49742400", "silu"};
  const Keys asked = {"norm_8_eps358637bd", "rope_14_64_1_th49742400", "rope_back_14_64", "silu",
                      "norm_16_eps358637bd"};
  const auto left = uncovered(warm, asked);
  ASSERT_EQ(left.size(), 3u);
  EXPECT_EQ(left[0].nearest, "norm_8_eps3727c5ac") << "as near as the one of 16, and nothing asks for it";
  EXPECT_EQ(left[1].nearest, "rope_14_64_2048_th49742400");
  EXPECT_FALSE(left[2].drifted());
  EXPECT_EQ(unused(warm, asked), (Keys{"norm_8_eps3727c5ac", "rope_14_64_2048_th49742400"}));
}

TEST(Uncovered, SeesATokenTooFewAndDigitsInsideWords) {
  const auto left = uncovered(Keys{"norm_8"}, Keys{"norm_8_eps358637bd", "nf4_norm_8"});
  EXPECT_EQ(coverage::say(left), "nf4_norm_8: missing\nnorm_8_eps358637bd: drifted from the pre-warmed norm_8\n");
  EXPECT_TRUE(uncovered(Keys{}, Keys{}).empty());
  EXPECT_FALSE(uncovered(Keys{}, Keys{""}).at(0).drifted());
}

}  // namespace
}  // namespace smgate::workload::test
