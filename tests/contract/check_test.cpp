#include "runner/check/check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "common/file.hpp"
#include "tests/support/scratch.hpp"

namespace smgate::check {
namespace {

const std::string kCases = SMGATE_SOURCE_DIR "/tests/contract/cases/";

struct Ran {
  int code;
  std::string out, errors;
};

Ran check(Options options) {
  std::ostringstream out, errors;
  const int code = run_check(options, out, errors, false);
  return {code, out.str(), errors.str()};
}
Ran check(std::vector<std::string> paths) {
  Options options;
  options.paths = std::move(paths);
  return check(std::move(options));
}

void write(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}
std::string case_text(const std::string& name) { return read_file(kCases + name, 1U << 20U).value(); }

TEST(Check, ExitCodesSayTheVerdict) {
  EXPECT_EQ(check({kCases + "healthy.jsonl"}).code, kExitPass);
  EXPECT_EQ(check({kCases + "collided.jsonl"}).code, kExitFail);
  EXPECT_EQ(check({kCases + "cache_silent.jsonl"}).code, kExitInconclusive);
}

TEST(Check, FirstLineIsVerdictAndMostUpstreamCause) {
  const std::string out = check({kCases + "collided.jsonl"}).out;
  EXPECT_EQ(out.substr(0, out.find('\n')),
            "fail: prewarm_key_collision: 3 bodies offered under one key `silu_forward`; explains 2 of 2 missing keys");
  EXPECT_EQ(out.find('\x1B'), std::string::npos);
}

TEST(Check, PrintsJsonForMachines) {
  Options options;
  options.paths = {kCases + "collided_and_stopped.jsonl"};
  options.format = Format::json;
  const nlohmann::json report = nlohmann::json::parse(check(options).out);
  EXPECT_EQ(report["verdict"], "fail");
  ASSERT_EQ(report["causes"].size(), 1U);
  EXPECT_EQ(report["causes"][0]["id"], "prewarm_key_collision");
  EXPECT_EQ(report["causes"][0]["explains"], 4);
  EXPECT_THAT(report["causes"][0]["text"].get<std::string>(),
              testing::HasSubstr("the run stopped at the first missing key"));
}

TEST(Check, ReadsAFolderOfSeveralProcesses) {
  const test::Scratch scratch;
  write(scratch.path() / "a.jsonl", case_text("healthy.jsonl"));
  write(scratch.path() / "b.jsonl",
        R"({"ev":"run_start","seq":0,"t_ns":5,"pid":1,"rank":0,"source":"runner","cold":true})"
        "\n");
  write(scratch.path() / "ignored.txt", "not events");
  EXPECT_EQ(check({scratch.path().string()}).code, kExitPass);
}

TEST(Check, NamesFileAndLineOfWhatItCannotUse) {
  const test::Scratch scratch;
  const std::string file = (scratch.path() / "a.jsonl").string();
  write(file, case_text("healthy.jsonl") + "{\"ev\":\"warp\"}\n{}\n");
  const Ran ran = check({file});
  EXPECT_EQ(ran.code, kExitUnusable);
  EXPECT_THAT(ran.errors, testing::HasSubstr(file + ":"));
  EXPECT_THAT(ran.errors, testing::HasSubstr("field"));
  EXPECT_EQ(check({"/no/such/file"}).code, kExitUnusable);
  EXPECT_EQ(check({scratch.path().string(), "/no/such/file"}).code, kExitUnusable);
}

TEST(Check, ALastLineCutShortForbidsAPassOnly) {
  const test::Scratch scratch;
  const std::string file = (scratch.path() / "a.jsonl").string();
  write(file, case_text("healthy.jsonl") + R"({"ev":"note","se)");
  EXPECT_EQ(check({file}).code, kExitInconclusive);
}

TEST(Check, RefusesALineOfTenMegabytesAndReadsOneOfSix) {
  test::Scratch scratch;
  const std::string healthy = case_text("healthy.jsonl"), first = healthy.substr(0, healthy.find('\n') - 1);
  const auto with_note = [&](std::size_t bytes) {
    return first + R"(, "x_note": ")" + std::string(bytes, 'x') + "\"}" + healthy.substr(healthy.find('\n'));
  };
  write(scratch / "six.jsonl", with_note(6U << 20U));
  EXPECT_EQ(check({scratch / "six.jsonl"}).code, kExitPass);
  write(scratch / "ten.jsonl", with_note(10U << 20U));
  const Ran refused = check({scratch / "ten.jsonl"});
  EXPECT_EQ(refused.code, kExitUnusable);
  EXPECT_THAT(refused.errors, testing::HasSubstr("ten.jsonl:1: a line of 10486"));
}

TEST(Check, ReadsPolicyAndNamesItsMistakes) {
  const test::Scratch scratch;
  Options options;
  options.paths = {kCases + "waste.jsonl"};
  options.policy_file = (scratch.path() / "policy.json").string();
  write(options.policy_file, R"({"policy": {"waste_budget_bytes": 4096} /* both eps */})");
  EXPECT_EQ(check(options).code, kExitPass);
  write(options.policy_file, R"({"policy": {"waste_budget": 1}, "exceptions": [{"clause": "KC-6", "pattern": "*"}]})");
  const Ran ran = check(options);
  EXPECT_EQ(ran.code, kExitUnusable);
  EXPECT_THAT(ran.errors,
              testing::AllOf(testing::HasSubstr("/policy/waste_budget"), testing::HasSubstr("/exceptions/0/reason")));
}

TEST(Check, HoldsTheRunAgainstItsManifest) {
  const test::Scratch scratch;
  Options options;
  options.paths = {kCases + "healthy.jsonl"};
  options.manifest_file = (scratch.path() / "manifest.json").string();
  write(options.manifest_file, R"({"ticket": "X-1", "steps": 12, "learning_rate": "1.5e-5", "kd_alpha": "0.3"})");
  EXPECT_EQ(check(options).code, kExitPass);
  write(options.manifest_file, R"({"steps": 50})");
  EXPECT_THAT(check(options).out, testing::HasSubstr("steps was declared as 50; the run had 12"));
}

TEST(Check, RefusesAnUnknownAdapter) {
  const auto adapter = adapter_named("guess");
  ASSERT_FALSE(adapter.has_value());
  EXPECT_THAT(adapter.error().text(),
              testing::AllOf(testing::HasSubstr("--adapter guess"), testing::HasSubstr("aprender")));
}

}  // namespace
}  // namespace smgate::check
