// What the workload writes against the schema of events.
#include "tests/support/schema.hpp"

#include <gtest/gtest.h>

#include <set>

#include "tests/workload/support.hpp"

namespace smgate::workload::test {
namespace {

// Most lines differ in place, time and key alone: one of each kind, scope and outcome is held against the schema.
std::string likeness(const std::string& line) {
  std::string words;
  for (const char* name : {"ev", "scope", "ok", "hit", "status", "container"}) words += field(line, name) + "|";
  return words;
}

void expect_valid(const smgate::test::JsonSchema& schema, std::set<std::string>& seen, const std::string& line) {
  const bool fresh = seen.insert(likeness(line)).second;
  EXPECT_EQ(fresh ? schema.mistakes(nlohmann::json::parse(line)) : "", "") << line;
}

TEST(WorkloadEvents, FollowTheSchemaInEveryKindOfRun) {
  const auto schema = smgate::test::JsonSchema::of_project("event");
  std::set<std::string> kinds, seen;
  const std::vector<std::vector<std::string>> runs = {
      {}, {"--fault", "apr-weights"}, {"--fault", "oversized-workspace"}, {"--control", "nan"}};
  for (std::vector<std::string> arguments : runs) {
    arguments.insert(arguments.end(), {"--compiler", "none", "--arch", "sm_89", "--steps", "2"});
    std::uint64_t seq = 0;
    for (const std::string& line : smoke(arguments).events) {
      expect_valid(schema, seen, line);
      EXPECT_EQ(field(line, "seq"), std::to_string(seq++));
      kinds.insert(field(line, "ev"));
    }
  }
  EXPECT_EQ(kinds.size(), 19u) << "every kind";
}

}  // namespace
}  // namespace smgate::workload::test
