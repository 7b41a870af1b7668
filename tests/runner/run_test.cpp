#include "runner/run/run.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "runner/check/check.hpp"
#include "tests/support/scratch.hpp"

namespace smgate::run {
namespace {

namespace fs = std::filesystem;

class RunTest : public testing::Test {
 protected:
  RunTest() { fs::create_directories(options.work_tree); }
  void gate(const std::string& command, const std::string& architectures = "\"sm_89\"") {
    std::ofstream(options.work_tree / ".smgate.json")
        << "{\"version\": 1, \"architectures\": [" << architectures
        << "], \"stages\": [{\"name\": \"smoke\", \"contract\": \"both\", \"command\": " << nlohmann::json(command)
        << "}]}";
  }
  int run() { return run_work_tree(options, out, log, false); }
  nlohmann::json report() const { return nlohmann::json::parse(out.str()); }
  std::string outcome_of(const std::string& id) const {
    const nlohmann::json clauses = report()["clauses"];
    for (const auto& clause : clauses)
      if (clause["id"] == id) return clause["outcome"];
    return "absent";
  }

  test::Scratch scratch;
  Options options{scratch / "tree", "", true, check::Format::json, scratch / "kept"};
  std::ostringstream out;
  std::ostringstream log;
};

const std::string kCollision =
    R"(cat > $SMGATE_EVENTS/1.jsonl <<'END'
{"ev":"prewarm_begin","seq":0,"t_ns":1,"pid":7,"rank":0,"source":"self","scope":"m"}
{"ev":"offer","seq":1,"t_ns":2,"pid":7,"rank":0,"source":"self","scope":"m","cache":"c","key":"silu_forward","body":"b1"}
{"ev":"offer","seq":2,"t_ns":3,"pid":7,"rank":0,"source":"self","scope":"m","cache":"c","key":"silu_forward","body":"b2"}
{"ev":"prewarm_end","seq":3,"t_ns":4,"pid":7,"rank":0,"source":"self","scope":"m"}
{"ev":"lookup","seq":4,"t_ns":5,"pid":7,"rank":0,"source":"self","cache":"c","key":"rms_norm","body":"b2","hit":false}
END
)";

TEST_F(RunTest, JudgesWhatTheStagesReport) {
  gate(kCollision + "echo $SMGATE_ARCH; exit 0");
  EXPECT_EQ(run(), check::kExitFail);
  EXPECT_EQ(report()["verdict"], "fail");
  EXPECT_EQ(report()["causes"][0]["id"], "prewarm_key_collision");
  EXPECT_NE(log.str().find("sm_89\n"), std::string::npos);
}

TEST_F(RunTest, KeepsEventsThatCheckReadsTheSameWay) {
  gate(kCollision);
  run();
  check::Options again;
  again.paths = {(options.keep / "events" / "smoke").string()};
  again.format = check::Format::json;
  std::ostringstream checked;
  EXPECT_EQ(check::run_check(again, checked, log, false), check::kExitFail);
  EXPECT_EQ(nlohmann::json::parse(checked.str())["causes"], report()["causes"]);
}

// The workload hears from its driver that all is free, and wants more than any host has.
TEST_F(RunTest, HoldsUnifiedMemoryAgainstWhatTheRunnerMeasured) {
  const std::string events = R"(cat > $SMGATE_EVENTS/1.jsonl <<'END'
{"ev":"prewarm_begin","seq":0,"t_ns":1,"pid":7,"rank":0,"source":"self","scope":"m"}
{"ev":"prewarm_end","seq":1,"t_ns":2,"pid":7,"rank":0,"source":"self","scope":"m"}
{"ev":"memory","seq":2,"t_ns":3,"pid":7,"rank":0,"source":"self","free":9000000000000000,"total":9000000000000000,"unified":true}
{"ev":"payload_begin","seq":3,"t_ns":4,"pid":7,"rank":0,"source":"self","scope":"m","bytes":8000000000000000}
END
)";
  gate(events);
  run();
  EXPECT_EQ(outcome_of("KC-7"), "inconclusive") << "an emulated device is not the host's memory";
  options.emulated = false;
  options.keep = scratch / "kept as real";
  out.str("");
  run();
  EXPECT_EQ(outcome_of("KC-7"), "fail");
}

TEST_F(RunTest, RunsWhatTheGateFileAsksForBesideTheJobsOwnRun) {
  std::ofstream(options.work_tree / ".smgate.json")
      << R"({"version": 1, "architectures": ["sm_89"], "stability": true, "controls": ["lr0"], "stages": [
        {"name": "smoke", "contract": "both", "command": "true"}]})";
  run();
  EXPECT_NE(log.str().find("[smgate] the second run, from another folder, stage smoke"), std::string::npos);
  EXPECT_NE(log.str().find("[smgate] the control lr0, stage smoke"), std::string::npos);
  EXPECT_EQ(outcome_of("KC-9"), "not_applicable") << "the run did not complete";
  EXPECT_EQ(outcome_of("DS-9"), "inconclusive");
  EXPECT_TRUE(fs::exists(options.keep / "controls" / "lr0" / "events" / "smoke" / "runner.jsonl"));
  EXPECT_FALSE(fs::exists(options.keep / "again" / "work"));
}

TEST_F(RunTest, FailsWhereAStageFailsThatReportedNothing) {
  gate("exit 3");
  EXPECT_EQ(run(), check::kExitFail);
}

TEST_F(RunTest, IsInconclusiveWhereNothingWasReported) {
  gate("rm -rf $SMGATE_EVENTS; true");
  EXPECT_NE(run(), check::kExitPass);
}

TEST_F(RunTest, RefusesAGateFileThatIsWrong) {
  std::ofstream(options.work_tree / ".smgate.json") << "{\"version\": 9}";
  EXPECT_EQ(run(), check::kExitUnusable);
  EXPECT_NE(log.str().find("/version"), std::string::npos);
}

TEST_F(RunTest, AsksForTheArchitectureWhereThereAreTwo) {
  gate("true", "\"sm_89\", \"sm_121\"");
  EXPECT_EQ(run(), check::kExitUnusable);
  EXPECT_NE(log.str().find("--arch"), std::string::npos);
}

TEST_F(RunTest, NeverEmptiesAFolderOfTheUser) {
  gate("true");
  options.keep = options.work_tree;
  EXPECT_EQ(run(), check::kExitUnusable);
  EXPECT_TRUE(fs::exists(options.work_tree / ".smgate.json"));
}

}  // namespace
}  // namespace smgate::run
