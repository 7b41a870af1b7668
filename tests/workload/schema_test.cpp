// Every line that the workload writes, and every recorded example, against the schema of events.
#include "tests/support/schema.hpp"

#include <gtest/gtest.h>

#include <set>

#include "tests/workload/support.hpp"

namespace smgate::workload::test {
namespace {

void expect_valid(const smgate::test::JsonSchema& schema, const std::vector<std::string>& lines) {
  ASSERT_FALSE(lines.empty());
  std::uint64_t seq = 0;
  for (const std::string& line : lines) {
    const auto event = nlohmann::json::parse(line);
    EXPECT_EQ(schema.mistakes(event), "") << line;
    EXPECT_EQ(event.at("seq"), seq++);
  }
}

TEST(WorkloadEvents, FollowTheSchemaInEveryKindOfRun) {
  const auto schema = smgate::test::JsonSchema::of_project("event");
  std::set<std::string> kinds;
  for (const char* fault : {"", "apr-weights", "oversized-workspace", "missing-stage"}) {
    std::vector<std::string> arguments = {"--compiler", "none", "--arch", "sm_89", "--steps", "1"};
    if (*fault != '\0') arguments.insert(arguments.end(), {"--fault", fault});
    const SmokeRun run = smoke(arguments);
    expect_valid(schema, run.events);
    for (const std::string& line : run.events) kinds.insert(field(line, "ev"));
  }
  EXPECT_EQ(kinds.size(), 18u) << "every kind but unload, which this workload never does";
}

TEST(EventExamples, FollowTheSchema) {
  const auto schema = smgate::test::JsonSchema::of_project("event");
  std::size_t examples = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(SMGATE_SOURCE_DIR) + "/schemas/examples/events")) {
    if (!entry.path().filename().string().starts_with("smoke-")) continue;
    SCOPED_TRACE(entry.path().string());
    ++examples;
    std::ifstream file(entry.path());
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    expect_valid(schema, lines);
  }
  EXPECT_GE(examples, 2u);
}

}  // namespace
}  // namespace smgate::workload::test
