// What the emitters write, against the schema of events: the C++ one, one call an event, and the Python one.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <fstream>
#include <limits>
#include <set>
#include <vector>

#include "common/subprocess.hpp"
#include "smgate/events.hpp"
#include "tests/emitters/events_in.hpp"
#include "tests/support/schema.hpp"
#include "tests/support/scratch.hpp"

namespace smgate::test {
namespace {

void report_kernels(events::Writer& writer) {
  const std::string body = events::digest("extern \"C\" __global__ void silu() {}");
  writer.prewarm_begin("student", "kernels");
  writer.offer("student", "kernels", "silu_56", body);
  writer.compile("kernels", "silu_56", body, {"sm_89", 4096, 12.5});
  writer.compile("kernels", "silu_57", body, {"sm_89", 0, 1.5, false, "error: \xff expected ;"});
  writer.load(events::digest("image"), "kernels", "silu_56", "sm_89", 4096, true);
  writer.prewarm_end("student", "kernels", 1);
  writer.lookup("student", "kernels", "silu_56", body, true);
  writer.unload(events::digest("image"), "kernels", "silu_56");
}

void report_training(events::Writer& writer, const std::string& file) {
  const std::array<int, 6> inputs = {1, 2, 3, 1, 2, 4}, labels = {2, 3, 9, 2, 4, 9};
  writer.run_start({"trainer", "1.0", "sm_89", "NVIDIA RTX 4090"}, events::Config().integer("steps", 62));
  writer.memory(events::host_memory_available(), 24u << 30u, false);
  writer.payload_begin("student", 1 << 20);
  writer.alloc("student.weights", 1 << 20, true);
  writer.weights("student", file, "safetensors", "header too large");
  writer.payload_end("student", 1 << 20);
  writer.batch(inputs.data(), labels.data(), 2, 3, true);
  writer.step(0, 7.5, 1.25, 6, 20.5);
  writer.kd_step(1, std::numeric_limits<double>::quiet_NaN(), 7.25, 0.5, 1.125, 6, 20.25);
  writer.checkpoint({file, "safetensors", true, true, 24, 24});
  writer.error("out of memory");
  writer.note("all went on");
  writer.run_end(false, "out of memory");
}

TEST(CppEmitter, ReportsEveryKindOfEventByTheSchemaWithTheLineOfItsCaller) {
  const Scratch scratch;
  const std::string folder = scratch / "events", file = scratch / "model.safetensors";
  std::ofstream(file, std::ios::binary) << std::string("APR\0\2\0\0\0{}", 10);
  events::Writer writer(folder);
  report_kernels(writer);
  report_training(writer, file);
  const auto schema = JsonSchema::of_project("event");
  std::set<std::string> kinds;
  std::uint64_t seq = 0;
  for (const Json& event : events_in(folder)) {
    EXPECT_EQ(schema.mistakes(event), "") << event;
    EXPECT_EQ(event["seq"], seq++);
    EXPECT_NE(event["at"].get<std::string>().find("tests/emitters/writer_test.cpp:"), std::string::npos) << event;
    kinds.insert(event["ev"]);
    EXPECT_EQ(event.value("container", "apr"), "apr") << "by its bytes, not by its name";
  }
  EXPECT_EQ(kinds.size(), 19u);
}

TEST(PythonEmitter, ReportsEveryKindOfEventByTheSchemaWithTheLineOfItsCaller) {
  const Scratch scratch;
  Command command{{"python3", "tests/emitters/report_everything.py", scratch.path()}, {}, SMGATE_SOURCE_DIR};
  command.env["SMGATE_EVENTS"] = scratch / "events";
  const Result<Output> done = run_command(command);
  ASSERT_TRUE(done && done->exit_code == 0);
  EXPECT_EQ(done->err, "");
  const auto schema = JsonSchema::of_project("event");
  std::set<std::string> kinds;
  std::uint64_t seq = 0;
  for (const Json& event : events_in(scratch / "events")) {
    EXPECT_EQ(schema.mistakes(event), "") << event;
    EXPECT_EQ(event["seq"], seq++);
    EXPECT_NE(event["at"].get<std::string>().find("tests/emitters/report_everything.py:"), std::string::npos) << event;
    kinds.insert(event["ev"]);
  }
  EXPECT_EQ(kinds.size(), 19u);
}

TEST(CppEmitter, SummarisesABatchAsTheGateWould) {
  const Scratch scratch;
  events::Writer writer(scratch.path());
  // The prefix 1,2 stands twice, with the labels 3 and 4; 1 stands twice, with one label.
  const std::array<std::int64_t, 6> inputs = {1, 2, 3, 1, 2, 4}, labels = {2, 3, 9, 2, 4, 9};
  writer.batch(inputs.data(), labels.data(), 2, 3, false);
  const Json event = events_in(scratch.path()).at(0);
  EXPECT_EQ(event["frozen"], false);
  EXPECT_EQ(event["summary"]["positions"], 6);
  EXPECT_EQ(event["summary"]["distinct_inputs"], 4);
  EXPECT_EQ(event["summary"]["distinct_labels"], 4);
  EXPECT_EQ(event["summary"]["conflicting_positions"], 2);
  EXPECT_NEAR(event["summary"]["label_entropy_nats"].get<double>(), std::log(2.0) * 2 / 6, 1e-12);
}

TEST(CppEmitter, LeavesAGapWhereALineCouldNotBeWritten) {
  const Scratch scratch;
  const pid_t child = ::fork();
  if (child == 0) {
    events::Writer writer(scratch.path());
    writer.note("fits");
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit full{200, RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &full);
    writer.note(std::string(200, 'x'));
    const rlimit after{RLIM_INFINITY, RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &after);
    writer.note("fits again");
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  const std::vector<Json> events = events_in(scratch.path());
  ASSERT_EQ(events.size(), 2u) << "and no half line between them";
  EXPECT_EQ(events[1]["seq"], 2);
}

}  // namespace
}  // namespace smgate::test
