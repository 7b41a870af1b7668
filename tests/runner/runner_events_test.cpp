#include "runner/exec/runner_events.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "common/contract/event.hpp"
#include "tests/runner/recorder.hpp"
#include "tests/support/schema.hpp"

namespace smgate::exec {
namespace {

std::vector<std::string> lines_of_everything() {
  test::RecordingSink sink;
  RunnerEvents own(sink);
  own.attest({"sm_121"}, {"GB10", 1, true, false});
  own.memory({2, 1}, true);
  contract::Checkpoint bare, full;
  bare.path = full.path = "out";
  full.claimed_container = full.container = "gguf";
  full.bytes = full.tensors = 9;
  full.whole = full.finite = false;
  full.text = "broken";
  own.checkpoint(bare);
  own.checkpoint(full);
  own.error("no UTF-8: \xFF");
  own.failed("it stopped");
  std::vector<std::string> lines;
  std::istringstream text(sink.events(std::string(kRunnerEventsFile)));
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

TEST(RunnerEvents, FollowTheSchema) {
  const auto schema = test::JsonSchema::of_project("event");
  EXPECT_EQ(lines_of_everything().size(), 6U);
  for (const std::string& line : lines_of_everything())
    EXPECT_EQ(schema.mistakes(nlohmann::json::parse(line)), "") << line;
}

TEST(RunnerEvents, AreReadBackAsTheRunners) {
  std::uint64_t seq = 0;
  for (const std::string& line : lines_of_everything()) {
    const Result<contract::Event> event = contract::parse_event(line);
    ASSERT_TRUE(event) << event.error().text();
    EXPECT_EQ(event->source, contract::Source::runner);
    EXPECT_EQ(event->seq, seq++);
  }
}

}  // namespace
}  // namespace smgate::exec
