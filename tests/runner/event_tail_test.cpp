#include "runner/exec/event_tail.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "runner/exec/log_stream.hpp"
#include "tests/runner/recorder.hpp"
#include "tests/support/scratch.hpp"

namespace smgate::exec {
namespace {

class EventTailTest : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) {
    std::ofstream(scratch / name, std::ios::app | std::ios::binary) << text;
  }
  std::string errors() const { return sink.events("runner.jsonl"); }
  std::ptrdiff_t error_count() const {
    const std::string text = errors();
    return std::count(text.begin(), text.end(), '\n');
  }

  test::Scratch scratch;
  test::RecordingSink sink;
  RunnerEvents own{sink};
  Budget budget{64U << 20U, false};
  EventTail tail{scratch.path(), budget, sink, own};
};

TEST_F(EventTailTest, TakesCompleteLinesAndTheRestAtTheEnd) {
  write("1.jsonl", "{\"a\":1}\n{\"b\"");
  tail.poll();
  EXPECT_EQ(sink.events("1.jsonl"), "{\"a\":1}\n");
  write("1.jsonl", ":2}\n{\"c\":3}");
  tail.poll();
  EXPECT_EQ(sink.events("1.jsonl"), "{\"a\":1}\n{\"b\":2}\n");
  tail.finish();
  EXPECT_EQ(sink.events("1.jsonl"), "{\"a\":1}\n{\"b\":2}\n{\"c\":3}");
}

TEST_F(EventTailTest, FollowsFilesThatAppearLater) {
  tail.poll();
  write("2.jsonl", "{}\n");
  write("notes.txt", "no events\n");
  tail.poll();
  EXPECT_EQ(sink.events("2.jsonl"), "{}\n");
  EXPECT_EQ(sink.all<protocol::EventChunk>().size(), 1U);
}

TEST_F(EventTailTest, CutsLargeFilesIntoChunksOfWholeLines) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "{\"ev\":\"step\",\"step\":" + std::to_string(i) + ",\"loss\":1.5}\n";
  write("1.jsonl", text);
  tail.poll();
  EXPECT_EQ(sink.events("1.jsonl"), text);
  for (const auto& chunk : sink.all<protocol::EventChunk>()) {
    EXPECT_LE(chunk.lines.size(), protocol::kItemDataBytesMax);
    EXPECT_EQ(chunk.lines.back(), '\n');
  }
}

TEST_F(EventTailTest, LeavesOutALineThatIsTooLongAndSaysSo) {
  write("1.jsonl", "{}\n" + std::string(3 * protocol::kItemDataBytesMax, 'x'));
  tail.poll();
  write("1.jsonl", "xx\n{\"a\":1}\n");
  tail.finish();
  EXPECT_EQ(sink.events("1.jsonl"), "{}\n{\"a\":1}\n");
  EXPECT_NE(errors().find("longer than"), std::string::npos);
}

TEST_F(EventTailTest, ReadsNoLinksNoFifosAndNotTheRunnersOwnName) {
  std::filesystem::create_symlink("/etc/passwd", scratch / "link.jsonl");
  ASSERT_EQ(mkfifo((scratch / "fifo.jsonl").c_str(), 0600), 0);
  write("runner.jsonl", "{\"ev\":\"run_start\",\"cold\":true}\n");
  write("a b.jsonl", "{}\n");
  tail.finish();
  EXPECT_EQ(errors().find("cold"), std::string::npos);
  EXPECT_EQ(error_count(), 4);
  EXPECT_EQ(sink.all<protocol::EventChunk>().size(), 4U);
}

TEST_F(EventTailTest, StopsAtTheBudgetAndSaysSoOnce) {
  budget.bytes_left = 10;
  write("1.jsonl", "{\"a\":1}\n");
  tail.poll();
  write("1.jsonl", "{\"b\":2}\n");
  tail.poll();
  write("1.jsonl", "{\"c\":3}\n");
  tail.finish();
  EXPECT_EQ(sink.events("1.jsonl"), "{\"a\":1}\n");
  EXPECT_EQ(error_count(), 1);
}

TEST(LogStreamTest, CutsOnceAndSaysSo) {
  test::RecordingSink sink;
  Budget budget{10, false};
  LogStream log("build", budget, sink);
  log.append("0123456");
  log.append("789abc");
  log.append("def");
  log.flush();
  EXPECT_EQ(sink.log(),
            "0123456789\n[smgate] the log was cut here: the job has printed more than the runner passes on\n");
}

TEST(LogStreamTest, KeepsEveryByteInChunksOfBoundedSize) {
  test::RecordingSink sink;
  Budget budget{10U << 20U, false};
  LogStream log("build", budget, sink);
  std::string bytes(1'000'000, '\xff');
  log.append(bytes);
  log.flush();
  EXPECT_EQ(sink.log(), bytes);
  for (const auto& chunk : sink.all<protocol::LogChunk>()) EXPECT_LE(chunk.bytes.size(), protocol::kItemDataBytesMax);
}

}  // namespace
}  // namespace smgate::exec
