// Logs of trainers: llm.c, nanoGPT, Hugging Face's Trainer, Megatron-LM, torchtitan.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/adapters/read_log.hpp"

namespace smgate::contract {
namespace {

using test::all;

TEST(LlmC, ReadsSettingsStepsAndEnd) {
  const std::vector<Event> events =
      test::read_log("llm.c",
                     "| micro batch size B    | 4                                                  |\n"
                     "| sequence length T     | 1024                                               |\n"
                     "| learning rate (LR)    | 3.000000e-04                                       |\n"
                     "| device                | NVIDIA A100-SXM4-40GB                              |\n"
                     "| precision             | BF16                                               |\n"
                     "| overfit_single_batch  | 1                                                  |\n"
                     "val loss 11.009700\n"
                     "step    1/2 | loss 11.009674 (+nanz)| norm 15.2305 (+nanz)| lr 1.50e-05 | 64.12 ms | 33.1% bf16 "
                     "MFU | 63879 tok/s\n"
                     "step    2/2 | loss 10.250000 (+0.10z)| norm nan (-0.20z)| lr 1.50e-05 | 62.00 ms | 33.1% bf16 "
                     "MFU | 63879 tok/s\n"
                     "total average iteration time: 62.000000 ms\n");
  const RunStart start = all<RunStart>(events).at(0);
  EXPECT_EQ(start.config_json, R"({"batch_size":4,"learning_rate":0.0003,"math_mode":"bf16","seq_len":1024})");
  EXPECT_EQ(start.device, "NVIDIA A100-SXM4-40GB");
  EXPECT_TRUE(all<Batch>(events).at(0).frozen);
  const auto steps = all<Step>(events);
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_EQ(steps[0].step, 0U);
  EXPECT_EQ(steps[0].loss, 11.009674);
  EXPECT_EQ(steps[0].grad_norm, 15.2305);
  EXPECT_EQ(steps[0].ms, 64.12);
  EXPECT_TRUE(std::isnan(*steps[1].grad_norm));
  EXPECT_EQ(all<RunEnd>(events).size(), 1U);
}

TEST(LlmC, ReadsTheProgramForCpus) {
  const auto steps = all<Step>(test::read_log("llm.c", "val loss 5.3\nstep 0: train loss 5.356082 (took 1952.4 ms)\n"));
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_EQ(steps[0].step, 0U);
  EXPECT_EQ(steps[0].loss, 5.356082);
}

TEST(NanoGpt, ReadsIterationsAndEndsAtTheLast) {
  const std::string log =
      "Overriding config with config/train_shakespeare_char.py:\nbatch_size = 64 # small\nmax_iters = 2\n"
      "Overriding: batch_size = 12\ntokens per iteration will be: 3,072\nstep 0: train loss 4.2874, val loss 4.2823\n"
      "iter 0: loss 4.2654, time 2000.10ms, mfu -100.00%\niter 1: loss 4.1, time 20.50ms, mfu 1.0%\n"
      "iter 2: loss 4.0, time 20.50ms, mfu 1.0%\n";
  const std::vector<Event> events = test::read_log("nanogpt", log);
  EXPECT_EQ(all<RunStart>(events).at(0).config_json, R"({"batch_size":12,"steps":3})");
  const auto steps = all<Step>(events);
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_EQ(steps[1].ms, 20.5);
  EXPECT_EQ(steps[1].tokens, 3072U);
  EXPECT_EQ(all<RunEnd>(events).size(), 1U);
  EXPECT_TRUE(all<RunEnd>(test::read_log("nanogpt", log.substr(0, log.find("iter 2")))).empty());
}

TEST(NanoGpt, ReportsTheIterationsThatLogIntervalLeavesOut) {
  const Report report =
      test::judge_log("nanogpt", "iter 0: loss 4.2, time 1.00ms, mfu 1.00%\niter 10: loss 4.1, time 1.00ms, mfu 1%\n");
  EXPECT_EQ(report.findings.at(0).kind, "missing_steps");
}

TEST(HfTrainer, ReadsBothWaysOfWritingNumbers) {
  const std::vector<Event> events =
      test::read_log("hf-trainer",
                     "***** Running training *****\n  Num examples = 16\n  Total train batch size (w. parallel, "
                     "distributed & accumulation) = 8\n"
                     "  Total optimization steps = 3\n"
                     "\r  0%|          | 0/3 [00:00<?, ?it/s]\r 33%|###       | 1/3 [00:01<00:02, 1.0it/s]"
                     "{'loss': 2.1, 'grad_norm': 1.2, 'learning_rate': 5e-05, 'epoch': 0.5}\n"
                     "{'loss': '1.9', 'grad_norm': '1.1', 'learning_rate': '4e-05', 'epoch': '1'}\n"
                     "{'eval_loss': 1.7, 'eval_runtime': 0.5, 'epoch': 1.0}\n"
                     "{'loss': nan, 'grad_norm': nan, 'learning_rate': 0.0, 'epoch': 1.5}\n"
                     "{'train_runtime': 12.5, 'train_samples_per_second': 5.1, 'train_loss': 2.0, 'epoch': 1.5}\n");
  EXPECT_EQ(all<RunStart>(events).at(0).config_json, R"({"batch_size":8,"steps":3})");
  const auto steps = all<Step>(events);
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_EQ(steps[0].loss, 2.1);
  EXPECT_EQ(steps[1].loss, 1.9);
  EXPECT_EQ(steps[1].grad_norm, 1.1);
  EXPECT_TRUE(std::isnan(*steps[2].loss));
  EXPECT_EQ(all<RunEnd>(events).size(), 1U);
}

TEST(HfTrainer, MissesALossThatWasLeftOut) {
  const Report report = test::judge_log("hf-trainer", "{'grad_norm': 1.2, 'learning_rate': 5e-05, 'epoch': 0.5}\n");
  EXPECT_EQ(report.findings.at(0).kind, "missing_loss");
}

constexpr const char* kMegatron =
    "  global_batch_size ............................... 128\n  params_dtype ........................ torch.bfloat16\n"
    "[default3]: [2026-09-01 12:00:00] iteration        1/       2 | consumed samples:          128 | elapsed time per "
    "iteration (ms): 512.3 | learning rate: 1.500000E-05 | global batch size:   128 | lm loss: 1.081000E+01 | loss "
    "scale: "
    "1.0 | grad norm: 1.234 | number of skipped iterations:   0 | number of nan iterations:   0 |\n";

TEST(Megatron, ReadsArgumentsAndIterations) {
  const std::vector<Event> events =
      test::read_log("megatron", std::string(kMegatron) +
                                     "validation loss at iteration 1 on validation set | x |\n"
                                     "[default3]:[after training is done] datetime: 2026\n");
  const auto steps = all<Step>(events);
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_EQ(steps[0].step, 0U);
  EXPECT_EQ(steps[0].loss, 10.81);
  EXPECT_EQ(steps[0].grad_norm, 1.234);
  EXPECT_EQ(steps[0].ms, 512.3);
  EXPECT_EQ(all<RunStart>(events).at(0).config_json, R"({"batch_size":128,"steps":2})");
  EXPECT_EQ(events.back().rank, 3U);
}

TEST(Megatron, SeesNanAndSkippedIterations) {
  const std::string nan =
      " iteration 1/ 2 | lm loss: 1.0E+01 | number of skipped iterations: 0 | number of nan iterations: 1 |\n";
  const std::string skipped =
      " iteration 2/ 2 | loss scale: 2147483648.0 | number of skipped iterations: 1 | number of nan iterations: 0 |\n";
  const auto steps = all<Step>(test::read_log("megatron", nan + skipped));
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_TRUE(std::isnan(*steps[0].loss));
  EXPECT_FALSE(steps[1].loss.has_value());
}

TEST(Torchtitan, ReadsThroughColours) {
  const std::vector<Event> events = test::read_log(
      "torchtitan",
      "[titan] 2025-06-20 19:13:25,465 - root - INFO - CUDA capacity: NVIDIA H100 80GB HBM3 with 79.18GiB memory\n"
      "[titan] 2025-06-20 19:13:25,465 - root - INFO - Trainer is initialized with local batch size 8, global batch "
      "size 64, "
      "gradient accumulation steps 1, sequence length 2048, total steps 10 (warmup 2)\n"
      "[rank0]:[titan] 2025-06-20 19:13:40,000 - root - INFO - \x1B[31mstep:  1  \x1B[32mloss:  8.04910  "
      "\x1B[38;2;180;60;0m"
      "grad_norm:  1.2345  \x1B[36mmemory:  0.50GiB(0.61%)  \x1B[34mtps: 1,234\x1B[39m\n"
      "[titan] 2025-06-20 19:13:41,000 - root - INFO - validate step:  1  loss:  8.1\n"
      "[titan] 2025-06-20 19:13:42,000 - root - INFO - Training completed\n");
  const auto steps = all<Step>(events);
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_EQ(steps[0].step, 0U);
  EXPECT_EQ(steps[0].loss, 8.0491);
  EXPECT_EQ(steps[0].grad_norm, 1.2345);
  EXPECT_EQ(all<RunStart>(events).at(0).config_json, R"({"batch_size":64,"seq_len":2048,"steps":10})");
  EXPECT_EQ(all<RunStart>(events).at(0).device, "NVIDIA H100 80GB HBM3");
  EXPECT_EQ(all<RunEnd>(events).size(), 1U);
}

}  // namespace
}  // namespace smgate::contract
