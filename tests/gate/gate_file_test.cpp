#include "common/gate/gate_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "common/file.hpp"
#include "common/json_reader.hpp"

namespace smgate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

nlohmann::json small() {
  return nlohmann::json::parse(R"({"version": 1, "architectures": ["sm_89", "sm_121"],
    "stages": [{"name": "build", "command": "make"}, {"name": "smoke", "command": ["./smoke", "-x"], "contract": "both"}]})");
}

std::string error_of(const nlohmann::json& document) {
  const Result<GateFile> gate = parse_gate_file(document.dump(), ".smgate.json at head 1a2b3c");
  return gate ? "" : gate.error().text();
}

TEST(ParseGateFile, TakesStagesArchitecturesAndDefaults) {
  const GateFile gate = parse_gate_file(small().dump(), "").value();
  EXPECT_THAT(gate.architectures, ElementsAre(Arch{"sm_89"}, Arch{"sm_121"}));
  ASSERT_EQ(gate.stages.size(), 2U);
  EXPECT_THAT(gate.stages[0].argv, ElementsAre("/bin/sh", "-c", "make"));
  EXPECT_THAT(gate.stages[1].argv, ElementsAre("./smoke", "-x"));
  EXPECT_EQ(gate.stages[1].timeout_s, 1800);
  EXPECT_EQ(gate.stages[1].feeds, Feeds::both);
  contract::Policy expected;
  EXPECT_EQ(gate.policy, expected);
}

TEST(ParseGateFile, NamesTheFileAndTheLineOfBrokenJson) {
  const auto gate = parse_gate_file("{\n\"version\": 1,,\n}", ".smgate.json at head 1a2b3c");
  ASSERT_FALSE(gate.has_value());
  EXPECT_THAT(gate.error().text(), AllOf(HasSubstr(".smgate.json at head 1a2b3c"), HasSubstr("line 2")));
}

TEST(ParseGateFile, NamesTheLineOfANumberThatNoDoubleHolds) {
  const auto gate = parse_gate_file("{\n\"policy\": {\"loss_margin\": 1e999}}", ".smgate.json");
  ASSERT_FALSE(gate.has_value());
  EXPECT_THAT(gate.error().text(), AllOf(HasSubstr("line 2"), HasSubstr("1e999 is beyond what a double holds")));
}

// Every object that the file may hold, each with one field too many.
TEST(ParseGateFile, NamesAnUnknownFieldWhereverItStands) {
  const nlohmann::json full =
      parse_json_with_comments(
          read_file(SMGATE_SOURCE_DIR "/schemas/examples/gate/full.smgate.json", 1U << 20U).value())
          .value();
  const nlohmann::json flat = full.flatten();
  std::set<std::string> objects{""};
  for (const auto& [pointer, value] : flat.items())
    for (std::string at = pointer; !at.empty(); at = at.substr(0, at.rfind('/')))
      if (full.at(nlohmann::json::json_pointer(at)).is_object()) objects.insert(at);
  EXPECT_GT(objects.size(), 7U);
  for (const std::string& object : objects) {
    if (object.ends_with("/env") || object.ends_with("/declared")) continue;  // names of the user's own
    nlohmann::json gate = full;
    gate[nlohmann::json::json_pointer(object + "/surplus")] = 1;
    EXPECT_THAT(error_of(gate), HasSubstr(object + "/surplus: is not a field known here"));
  }
}

TEST(ParseGateFile, NamesUnknownFieldsByTheirPointer) {
  nlohmann::json gate = small();
  gate["stages"][0]["timeout"] = 5;
  gate["polices"] = nlohmann::json::object();
  EXPECT_THAT(error_of(gate), AllOf(HasSubstr("/stages/0/timeout: is not a field known here"),
                                    HasSubstr("/polices: is not a field known here")));
}

TEST(ParseGateFile, RefusesVersionsItDoesNotKnow) {
  nlohmann::json gate = small();
  gate["version"] = 2;
  EXPECT_THAT(error_of(gate), HasSubstr("/version: must be 1"));
  gate.erase("version");
  EXPECT_THAT(error_of(gate), HasSubstr("/version: is required"));
}

TEST(ParseGateFile, RefusesImpossibleValues) {
  nlohmann::json gate = small();
  gate["architectures"] = {"sm_89", "rtx4090", "sm_89"};
  gate["stages"][0]["timeout_s"] = 0;
  gate["stages"][1]["name"] = "build";
  gate["stages"][1]["env"] = {{"SMGATE_ARCH", "sm_90"}, {"A B", "x"}};
  gate["policy"] = {{"loss_margin", 1.5}};
  EXPECT_THAT(error_of(gate),
              AllOf(HasSubstr("/architectures/1: "), HasSubstr("/architectures/2: sm_89 stands there twice"),
                    HasSubstr("/stages/0/timeout_s: must be an integer from 1"),
                    HasSubstr("/stages/1/name: \"build\" is the name of an earlier stage"),
                    HasSubstr("/stages/1/env/SMGATE_ARCH: is smgate's own"), HasSubstr("/stages/1/env/A B: is no name"),
                    HasSubstr("/policy/loss_margin: must be a number from 0 to 0.99")));
}

TEST(ParseGateFile, RefusesAFileThatTestsNothing) {
  nlohmann::json gate = small();
  gate["stages"][1].erase("contract");
  EXPECT_THAT(error_of(gate), HasSubstr("/stages: none of them feeds a contract"));
}

TEST(ParseGateFile, NamesMistakesInPatternsByTheirPointer) {
  nlohmann::json gate = small();
  gate["adapter"] = {{"name", "regex"},
                     {"manifest", "a/../../b"},
                     {"patterns",
                      {{"step", "loss (?P<loss>["},
                       {"hit", nlohmann::json::array({"hit (?P<key>.*)", "hit (?P<kee>.*)"})},
                       {"alloc", "took (?P<name>.*)"},
                       {"steps", "x"}}}};
  EXPECT_THAT(error_of(gate), AllOf(HasSubstr("/adapter/patterns/step: is no regular expression of RE2"),
                                    HasSubstr("/adapter/patterns/hit/1: group \"kee\" is no field of hit"),
                                    HasSubstr("/adapter/patterns/alloc: alloc needs a group (?P<bytes>...)"),
                                    HasSubstr("/adapter/patterns/steps: is not a field known here"),
                                    HasSubstr("/adapter/manifest: must be the path of a file in the work tree")));
  gate["adapter"] = {{"name", "regex"}};
  EXPECT_THAT(error_of(gate), HasSubstr("/adapter/patterns: is required"));
}

TEST(ParseGateFile, RefusesADifferenceOfWhatIsNoArchitecture) {
  nlohmann::json gate = small();
  gate["differences"] = {{{"pattern", "*"}, {"architectures", {"sm_89", "rtx"}}, {"reason", "cuBLAS"}}};
  EXPECT_THAT(error_of(gate), HasSubstr("/differences/0/architectures/1: "));
}

TEST(ParseGateFile, RefusesAnExceptionWithoutAReason) {
  nlohmann::json gate = small();
  gate["exceptions"] = {{{"clause", "KC-6"}, {"pattern", "*"}}};
  EXPECT_THAT(error_of(gate), HasSubstr("/exceptions/0/reason: is required"));
}

TEST(Combine, TakesPolicyAndArchitecturesFromTheBaseAndStagesFromTheHead) {
  nlohmann::json base = small(), head = small();
  base["policy"] = {{"loss_margin", 0.1}};
  head["policy"] = {{"loss_margin", 0.0}};
  head["architectures"] = {"sm_89"};
  head["stages"][0]["command"] = "ninja";
  const GatePlan plan = combine(parse_gate_file(base.dump(), "").value(), parse_gate_file(head.dump(), "").value());
  EXPECT_FALSE(plan.bootstrap);
  EXPECT_EQ(plan.gate.policy.loss_margin, 0.1);
  EXPECT_EQ(plan.gate.architectures.size(), 2U);
  EXPECT_EQ(plan.gate.stages[0].argv[2], "ninja");
}

TEST(ParseGateFile, RefusesControlsThatItDoesNotKnowOrKnowsTwice) {
  nlohmann::json gate = small();
  gate["controls"] = {"lr0", "lr1", "lr0"};
  EXPECT_THAT(error_of(gate),
              AllOf(HasSubstr("/controls/1: must be one of lr0"), HasSubstr("/controls/2: lr0 stands there twice")));
}

TEST(Combine, TakesControlsAndStabilityFromTheBase) {
  nlohmann::json base = small();
  base["stability"] = true;
  base["controls"] = {"nan", "lr0"};
  const GatePlan plan = combine(parse_gate_file(base.dump(), "").value(), parse_gate_file(small().dump(), "").value());
  EXPECT_TRUE(plan.gate.policy.stability);
  EXPECT_THAT(plan.gate.policy.controls, ElementsAre("nan", "lr0"));
}

TEST(Combine, DoesNotLetTheHeadDropAContract) {
  nlohmann::json head = small();
  head["stages"][1]["contract"] = "kernel_cache";
  const GatePlan plan = combine(parse_gate_file(small().dump(), "").value(), parse_gate_file(head.dump(), "").value());
  EXPECT_TRUE(plan.gate.policy.judge_distillation);
}

TEST(Combine, CallsARunWithoutABaseBootstrap) {
  const GatePlan plan = combine(std::nullopt, parse_gate_file(small().dump(), "").value());
  EXPECT_TRUE(plan.bootstrap);
  EXPECT_EQ(plan.gate.architectures.size(), 2U);
}

}  // namespace
}  // namespace smgate
