// What all adapters share: lines, escapes, ranks, bounds, and that silence is no pass.
#include "common/contract/adapters/adapter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/adapters/read_log.hpp"

namespace smgate::contract {
namespace {

using test::all;
using testing::HasSubstr;

const AdapterSpec kLoss{"regex", {{"step", {"loss (?P<loss>\\S+)"}}}, ""};

TEST(Adapter, GivesTheSameEventsHoweverTheLogIsCut) {
  const std::string log =
      "\x1B[32m[rank1]:\x1B[0m loss 1.5\r\n[rank0]: loss 2.5\rloss 3.5\n\xFF\xC3 loss 4.5\nRuntimeError: out";
  const std::vector<Event> whole = test::read_log(kLoss, log);
  ASSERT_EQ(whole.size(), 5U);
  for (std::size_t chunk = 1; chunk < log.size(); ++chunk) EXPECT_EQ(test::read_log(kLoss, log, chunk), whole) << chunk;
}

TEST(Adapter, ReadsEveryPictureOfAProgressBar) {
  const auto steps = all<Step>(test::read_log(kLoss, "10% loss 3\r20% loss 2\r\x1B[2K30% loss 1\r\n"));
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_EQ(steps[2].loss, 1.0);
}

TEST(Adapter, KeepsInterleavedRanksApart) {
  const std::vector<Event> events =
      test::read_log("torchtitan",
                     "[rank1]:[titan] 2025-06-20 19:13:39,663 - root - INFO - step:  1  loss: 12.5\n"
                     "[rank0]:[titan] 2025-06-20 19:13:39,664 - root - INFO - step:  1  loss: 12.5\n"
                     "[rank1]:[titan] 2025-06-20 19:13:40,663 - root - INFO - step:  2  loss: 12.1\n");
  const Facts facts = test::facts_of(events);
  ASSERT_EQ(facts.processes.size(), 2U);
  EXPECT_EQ(facts.processes.at({0, 0}).curve.points.size(), 1U);
  EXPECT_EQ(facts.processes.at({1, 0}).curve.points.size(), 2U);
  for (const auto& [id, process] : facts.processes) EXPECT_EQ(process.events_missing, 0U);
}

TEST(Adapter, TellsProcessesApartByTheirIds) {
  const std::vector<Event> events =
      test::read_log(kLoss, "(Worker_TP0 pid=57) loss 1\n (Worker_TP1 pid=58) loss 2\n(x) loss 3\n");
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].pid, 57U);
  EXPECT_EQ(events[1].pid, 58U);
  EXPECT_EQ(events[2].pid, 0U);
}

TEST(Adapter, HoldsNoMoreProcessesThanAHostRuns) {
  std::string log;
  for (int rank = 0; rank < 3000; ++rank) log += "[rank" + std::to_string(rank) + "]: loss 1\n";
  EXPECT_LE(test::facts_of(test::read_log(kLoss, log)).processes.size(), kProcessesMax);
}

TEST(Adapter, CutsALineOfTenMegabytesWithANote) {
  const std::string line = std::string(10U << 20U, 'x') + " loss 9";
  const std::vector<Event> events = test::read_log(kLoss, "loss 1\n" + line + "\nloss 2\n", 1U << 16U);
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(all<Step>(events).size(), 2U);
  EXPECT_THAT(all<Note>(events).at(0).text, HasSubstr("a line of 10485767 bytes: the adapter read its first 65536"));
  EXPECT_EQ(all<Note>(events).at(0).at, "run.log:2");
}

// A gigabyte without a line's end: what is kept of it shows in the note, and in the sanitizer's limits.
TEST(Adapter, StreamsAGigabyteInBoundedMemory) {
  std::vector<Event> events;
  Adapter adapter(kLoss, "run.log", [&](const Event& event) { events.push_back(event); });
  const std::string chunk(1U << 20U, 'y');
  for (int i = 0; i < 1024; ++i) adapter.feed(chunk);
  adapter.feed("\nloss 2\n");
  adapter.finish();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_THAT(std::get<Note>(events[0].body).text, HasSubstr("a line of 1073741824 bytes"));
}

TEST(Adapter, TellsOfWhatStoppedAProgram) {
  const auto errors = all<ErrorText>(test::read_log(kLoss,
                                                    "[rank0]: Traceback (most recent call last):\n"
                                                    "[rank0]: [rank0]: torch.OutOfMemoryError: CUDA out of memory.\n"
                                                    "thread 'main' panicked at src/main.rs:4\n"
                                                    "a note: the error rate is 1\nRuntimeError\n"));
  ASSERT_EQ(errors.size(), 2U);
  EXPECT_EQ(errors[0].text, "torch.OutOfMemoryError: CUDA out of memory.");
}

TEST(Adapter, CarriesTheManifestInTheStartOfTheRun) {
  std::vector<Event> events;
  Adapter adapter(AdapterSpec{"nanogpt", {}, ""}, "run.log", [&](const Event& event) { events.push_back(event); });
  adapter.declare({{"batch_size", "4"}});
  adapter.feed(
      "Overriding: batch_size = 12\nOverriding: max_iters = 1\niter 0: loss 4.1, time 9.00ms, mfu 1.00%\n"
      "iter 1: loss 4.0, time 9.00ms, mfu 1.00%\n");
  adapter.finish();
  const Report report = judge(test::facts_of(events), {});
  ASSERT_FALSE(report.findings.empty());
  EXPECT_EQ(report.findings.back().clause, "DS-6");
  EXPECT_EQ(report.findings.back().message, "batch_size was declared as 4; the run had 12");
}

// With a policy that asks for as little as one may: what the log does not show must still be missed.
TEST(Adapters, NeverTurnSilenceIntoAPass) {
  Policy lenient;
  lenient.min_steps = 3;
  lenient.frozen_batch_declared = true;
  lenient.checkpoint_required = false;
  for (const bool kernels : {true, false}) {
    lenient.judge_kernel_cache = kernels;
    for (const AdapterInfo& info : adapters()) {
      const AdapterSpec spec{std::string(info.name), kLoss.patterns, ""};
      for (const std::string log : {"", "hello\n", "loss 5\nloss 4\nloss 3\nloss 2\nloss 1\n"}) {
        const Report report = judge(test::facts_of(test::read_log(spec, log)), lenient);
        EXPECT_NE(report.verdict, Verdict::pass) << info.name << ": " << log;
      }
      EXPECT_FALSE(info.cannot_know.empty());
    }
  }
}

// The runner writes an adapter's events as lines, and the coordinator reads them.
TEST(Adapters, WriteEventsThatCanBeRead) {
  const std::string log =
      "[X-CACHE] Compiling 'k' (ptx_len=1)\nKernel cache initialized for target: sm_x9\nGPU: a\"b\n" +
      std::string("loss nan\nRuntimeError: \xFF\x01\n");
  for (const AdapterInfo& info : adapters())
    for (const Event& event : test::read_log(AdapterSpec{std::string(info.name), kLoss.patterns, ""}, log))
      EXPECT_TRUE(parse_event(to_json_line(event)).has_value()) << to_json_line(event);
}

}  // namespace
}  // namespace smgate::contract
