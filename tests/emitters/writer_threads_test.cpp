// The C++ emitter in many threads, and in children of a process that has them.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <thread>

#include "smgate/events.hpp"
#include "tests/emitters/events_in.hpp"
#include "tests/support/scratch.hpp"

namespace smgate::test {
namespace {

TEST(CppEmitter, NumbersTheLinesOfManyThreadsWithoutAGap) {
  const Scratch scratch;
  events::Writer writer(scratch.path());
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&writer] {
      for (int line = 0; line < 250; ++line) writer.note("from a thread");
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::uint64_t seq = 0;
  for (const Json& event : events_in(scratch.path())) EXPECT_EQ(event["seq"], seq++);
  EXPECT_EQ(seq, 1000u);
}

// A fork copies a lock that another thread holds; nobody in the child would ever release it.
TEST(CppEmitter, LetsAChildReportThatWasForkedWhileOtherThreadsDid) {
  const Scratch scratch;
  events::Writer writer(scratch.path());
  std::atomic<bool> stop{false};
  std::thread busy([&] {
    while (!stop) writer.note("parent");
  });
  constexpr int kChildren = 50;
  for (int i = 0; i < kChildren; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      writer.note("child");
      ::_exit(0);
    }
    int status = -1;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  stop = true;
  busy.join();
  std::map<std::uint64_t, std::uint64_t> next;
  for (const Json& event : events_in(scratch.path())) EXPECT_EQ(event["seq"], next[event["pid"]]++);
  EXPECT_EQ(next.size(), 1u + kChildren);
}

}  // namespace
}  // namespace smgate::test
