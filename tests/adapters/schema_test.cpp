// What adapters make of logs, held against the schema of events.
#include "tests/support/schema.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "common/file.hpp"
#include "tests/adapters/read_log.hpp"

namespace smgate::contract {
namespace {

namespace fs = std::filesystem;

// One group of each kind of event that patterns can name.
const Patterns kPatterns = {{"compile", {R"(built (?P<key>\S+)(?: for (?P<target>\S+))?(?: of (?P<bytes>\S+))?)"}},
                            {"load", {R"(load (?P<module>\S*))"}},
                            {"prewarm_end", {R"(warm (?P<scope>\S*))"}},
                            {"run_start", {R"(on (?P<arch>\S+) lr (?P<learning_rate>\S+))"}},
                            {"checkpoint", {R"(saved (?P<path>\S+))"}},
                            {"step_from_1", {R"(step (?P<step>\S+) loss (?P<loss>\S+))"}}};

AdapterSpec spec_of(const std::string& name) { return {name, name == "regex" ? kPatterns : Patterns{}, ""}; }

void expect_valid(const test::JsonSchema& schema, const std::vector<Event>& events, const std::string& of) {
  EXPECT_GT(events.size(), 1U) << of;
  for (const Event& event : events) {
    const std::string line = to_json_line(event);
    EXPECT_EQ(schema.mistakes(nlohmann::json::parse(line)), "") << of << ": " << line;
    EXPECT_EQ(event.source, Source::adapter) << line;
  }
}

// The samples name their adapter in the first line.
TEST(EveryAdapter, MakesEventsByTheSchema) {
  const auto schema = test::JsonSchema::of_project("event");
  std::set<std::string> seen, known;
  for (const AdapterInfo& info : adapters()) known.insert(std::string(info.name));
  for (const fs::directory_entry& entry :
       fs::directory_iterator(fs::path(SMGATE_SOURCE_DIR) / "tests/fuzz/corpus/adapters")) {
    const std::string log = read_file(entry.path(), 1U << 20U).value();
    const std::string name = log.substr(0, log.find('\n'));
    seen.insert(name);
    expect_valid(schema, test::read_log(spec_of(name), log), entry.path().filename());
  }
  EXPECT_EQ(seen, known);
}

TEST(EveryAdapter, MakesEventsByTheSchemaOfBrokenLogs) {
  const auto schema = test::JsonSchema::of_project("event");
  const std::string log = "built \xFF\xC3 for sm_89x of -1\nload \nwarm \non gpu lr abc\nsaved \nstep -1 loss nan\n";
  std::string padded = log + "RuntimeError: \x1B[31m" + std::string(70'000, 'x') + "\n";
  for (const AdapterInfo& info : adapters())
    for (const Event& event : test::read_log(spec_of(std::string(info.name)), padded)) {
      const std::string line = to_json_line(event);
      EXPECT_EQ(schema.mistakes(nlohmann::json::parse(line)), "") << info.name << ": " << line.substr(0, 300);
    }
}

}  // namespace
}  // namespace smgate::contract
