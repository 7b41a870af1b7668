#include "common/contract/adapters/patterns.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "runner/check/check.hpp"
#include "tests/adapters/read_log.hpp"
#include "tests/support/scratch.hpp"

namespace smgate::contract {
namespace {

using test::all;
using testing::HasSubstr;

std::vector<Event> read(const Patterns& patterns, std::string_view log) {
  return test::read_log(AdapterSpec{"regex", patterns, ""}, log);
}

TEST(Patterns, TurnGroupsIntoFields) {
  const std::vector<Event> events =
      read({{"compile", {R"(built (?P<key>\S+) of (?P<bytes>[\d,]+) bytes in (?P<ms>\S+) ms)"}},
            {"miss", {R"(miss (?P<key>\S+)(?: body (?P<body>\S+))?)"}},
            {"memory", {R"(free (?P<free>\d+) of (?P<total>\d+))"}}},
           "built gemm_1_2 of 1,024 bytes in 2.5 ms\nmiss silu\nfree 7 of 9\n");
  ASSERT_EQ(events.size(), 3U);
  const Compile compile = all<Compile>(events).at(0);
  EXPECT_EQ(compile.key, "gemm_1_2");
  EXPECT_EQ(compile.bytes, 1024U);
  EXPECT_EQ(compile.ms, 2.5);
  EXPECT_TRUE(compile.ok);
  EXPECT_EQ(compile.at, "run.log:1");
  EXPECT_FALSE(all<Lookup>(events).at(0).hit);
  EXPECT_EQ(all<Lookup>(events).at(0).body, "");
  EXPECT_EQ(all<Memory>(events).at(0).total_bytes, 9U);
}

TEST(Patterns, CountStepsThatBearNoNumber) {
  const auto counted = all<Step>(read({{"step", {R"(loss (?P<loss>\S+))"}}}, "loss 3\nloss n/a\nloss nan\n"));
  ASSERT_EQ(counted.size(), 3U);
  EXPECT_EQ(counted[2].step, 2U);
  EXPECT_FALSE(counted[1].loss.has_value());
  const auto numbered = all<Step>(read({{"step_from_1", {R"((?P<step>\d+): (?P<loss>\S+))"}}}, "1: 3\n2: 2\n"));
  ASSERT_EQ(numbered.size(), 2U);
  EXPECT_EQ(numbered[0].step, 0U);
}

TEST(Patterns, TellOfAMatchThatDoesNotFit) {
  const std::vector<Event> events =
      read({{"step_from_1", {R"(step (?P<step>\S+))"}}, {"alloc", {R"((?P<name>\w*) took (?P<bytes>\S+))"}}},
           "step 0\nstep x\nw took 1.5GB\n took 7\n");
  ASSERT_EQ(events.size(), 4U);
  EXPECT_EQ(all<Note>(events).size(), 4U);
  EXPECT_THAT(all<Note>(events)[1].text, HasSubstr("step cannot be \"x\""));
}

TEST(Patterns, KeepTheSettingsOfTheRun) {
  const auto starts =
      all<RunStart>(read({{"run_start", {R"(on (?P<arch>sm_\d+): (?P<steps>\d+) steps, lr (?P<learning_rate>\S+))"}}},
                         "on sm_89: 62 steps, lr 1.5e-5\n"));
  ASSERT_EQ(starts.size(), 1U);
  EXPECT_EQ(starts[0].arch, "sm_89");
  EXPECT_EQ(starts[0].config_json, R"({"learning_rate":1.5e-05,"steps":62})");
}

TEST(Patterns, TakeNoTimeToBacktrack) {
  const std::string line = std::string(60'000, 'a') + "!\n";
  EXPECT_TRUE(read({{"error", {"^(a+)+$", "(a*)*(a|aa)+b", "(.*)(.*)(.*)(.*)[0-9]x"}}}, line + line).empty());
}

TEST(Patterns, RefuseWhatCannotBe) {
  EXPECT_THAT(mistake_in_pattern("step", "(?P<loss>a)\\1"), HasSubstr("is no regular expression of RE2"));
  EXPECT_THAT(mistake_in_pattern("step", "a(?=b)"), HasSubstr("is no regular expression of RE2"));
  EXPECT_THAT(mistake_in_pattern("step", "((a{0,100}){0,100}){0,100}"), HasSubstr("is no regular expression of RE2"));
  EXPECT_THAT(mistake_in_pattern("step", "(?P<los>a)"), HasSubstr("no field of step; its fields: step, loss"));
  EXPECT_THAT(mistake_in_pattern("hit", "hit"), HasSubstr("needs a group (?P<key>...)"));
  EXPECT_THAT(mistake_in_pattern("load", "load"), HasSubstr("(?P<module>...) or (?P<key>...)"));
  EXPECT_THAT(mistake_in_pattern("step", ""), HasSubstr("must have 1 to"));
  EXPECT_THAT(mistake_in_pattern("stop", "a"), HasSubstr("no kind of event"));
}

TEST(Patterns, MakeEventsOfEveryKindThatCanBeRead) {
  for (const std::string_view kind : pattern_kinds()) {
    std::string pattern = "^x";
    for (const char* field : {"key", "name", "path", "body", "bytes", "free", "total"})
      if (mistake_in_pattern(kind, pattern + "(?P<" + field + ">7)").find("is no field") == std::string::npos)
        pattern += std::string("(?P<") + field + ">7)";
    ASSERT_EQ(mistake_in_pattern(kind, pattern), "") << kind;
    const std::vector<Event> events = read({{std::string(kind), {pattern}}}, "x7777777\n");
    ASSERT_EQ(events.size(), 1U) << kind;
    const Result<Event> again = parse_event(to_json_line(events[0]));
    EXPECT_TRUE(again.has_value() && again->body.index() == events[0].body.index()) << to_json_line(events[0]);
  }
}

TEST(Check, ReadsALogByTheAdapterAndPolicyOfAGateFile) {
  const test::Scratch scratch;
  std::ofstream(scratch.path() / "gate.json") << R"json({"version": 1, "architectures": ["sm_89"],
    "stages": [{"name": "smoke", "command": "x", "contract": "distillation"}],
    "adapter": {"name": "regex", "manifest": "declared.json",
                "patterns": {"step": "loss (?P<loss>.*)", "run_end": "^done", "run_start": "^begin"}}})json";
  std::ofstream(scratch.path() / "declared.json") << R"json({"steps": 3})json";
  std::ofstream(scratch.path() / "run.log") << "begin\nloss 2\nloss 1\ndone\n";
  check::Options options;
  options.paths = {(scratch.path() / "run.log").string()};
  options.gate_file = (scratch.path() / "gate.json").string();
  std::ostringstream out, errors;
  EXPECT_EQ(check::run_check(options, out, errors, false), check::kExitFail) << errors.str();
  EXPECT_THAT(out.str(), HasSubstr("steps was declared as 3; the run had 2"));
}

}  // namespace
}  // namespace smgate::contract
