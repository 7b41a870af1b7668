#include "runner/exec/parts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "common/file.hpp"
#include "tests/runner/recorder.hpp"
#include "tests/support/scratch.hpp"

namespace smgate::exec {
namespace {

using protocol::JobOutcome;
using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

class PartsTest : public testing::Test {
 protected:
  PartsTest() {
    plan.arch = {"sm_89"};
    plan.work_tree = scratch / "tree";
    fs::create_directories(plan.work_tree);
    plan.deadline = std::chrono::steady_clock::now() + 60s;
    plan.limits.grace = 50ms;
    extra.second_tree = [this](const fs::path& tree) {
      trees.push_back(tree);
      fs::create_directories(tree);
      return Result<void>{};
    };
  }
  void stage(const std::string& name, const std::string& script, Feeds feeds = Feeds::none) {
    plan.stages.push_back({name, {"/bin/sh", "-c", script}, 60, {}, feeds});
  }
  protocol::Finished run() { return run_parts(plan, extra, folder, sink, cancellation); }
  std::string events(const std::string& part, const std::string& file) const {
    std::string text;
    for (const auto& chunk : sink.all<protocol::EventChunk>())
      if (chunk.part == part && chunk.file == file) text += chunk.lines;
    return text;
  }
  // The runner's word on how a part ended; none where it said nothing.
  std::string symptom(const std::string& part) const {
    const std::string lines = events(part, "runner.jsonl");
    const std::size_t last = lines.rfind("{\"ev\":\"run_end\"");
    return last == std::string::npos ? "" : nlohmann::json::parse(lines.substr(last)).at("symptom");
  }

  test::Scratch scratch;
  JobFolder folder{scratch / "job"};
  JobPlan plan;
  ExtraRuns extra;
  std::vector<fs::path> trees;
  test::RecordingSink sink;
  Cancellation cancellation;
};

const std::string kTell = "echo \"$PWD ${SMGATE_STEPS_MAX-all} ${SMGATE_CONTROL-none}\" > $SMGATE_EVENTS/1.jsonl";

TEST_F(PartsTest, WithoutExtrasIsMainAlone) {
  stage("smoke", kTell, Feeds::both);
  EXPECT_EQ(run(), protocol::Finished{});
  EXPECT_EQ(events("main", "1.jsonl"), plan.work_tree.string() + " all none\n");
  EXPECT_EQ(sink.all<protocol::EventChunk>().size(), 3U) << "and the attestation, and the host's memory";
}

TEST_F(PartsTest, TheSecondRunMakesEveryStageFromAnotherFolder) {
  extra.stability = true;
  stage("build", "pwd > built");
  stage("smoke",
        "cat built > $SMGATE_EVENTS/1.jsonl; " + kTell.substr(0, kTell.find(" >")) + " >> $SMGATE_EVENTS/1.jsonl",
        Feeds::kernel_cache);
  EXPECT_EQ(run(), protocol::Finished{});
  ASSERT_EQ(trees.size(), 1U);
  const std::string other = trees[0].string();
  EXPECT_NE(other, plan.work_tree);
  EXPECT_EQ(events("again", "1.jsonl"), other + "\n" + other + " 10 none\n");
  EXPECT_THAT(events("again", "runner.jsonl"), HasSubstr("\"cold\":true"));
  EXPECT_FALSE(fs::exists(trees[0])) << "it is as large as the first";
}

TEST_F(PartsTest, AControlRunsWhatFeedsAContractUnderItsName) {
  extra.controls = {"lr0", "nan"};
  stage("build", "echo built >> log");
  stage("smoke", kTell + "; touch $TRITON_CACHE_DIR/warm; ls $TRITON_CACHE_DIR | wc -l", Feeds::both);
  EXPECT_EQ(run(), protocol::Finished{});
  EXPECT_EQ(events("control:lr0", "1.jsonl"), plan.work_tree.string() + " 10 lr0\n");
  EXPECT_EQ(events("control:nan", "1.jsonl"), plan.work_tree.string() + " 10 nan\n");
  EXPECT_EQ(read_file(plan.work_tree / "log", 100).value(), "built\n");
  EXPECT_EQ(sink.log(), "1\n[smgate] the control lr0, stage smoke\n1\n[smgate] the control nan, stage smoke\n1\n");
}

TEST_F(PartsTest, StagesAreBegunAndEndedByMainAlone) {
  extra = {true, {"lr0"}, extra.second_tree};
  stage("smoke", "true", Feeds::both);
  run();
  EXPECT_EQ(sink.all<protocol::StageBegin>().size(), 1U);
  EXPECT_EQ(sink.all<protocol::StageEnd>().size(), 1U);
}

TEST_F(PartsTest, AFailureBesideMainIsThatPartsRunEndAndTheJobCompletes) {
  extra = {true, {"nan"}, extra.second_tree};
  stage("smoke", "test -z \"$SMGATE_STEPS_MAX\" || exit 7", Feeds::both);
  EXPECT_EQ(run(), protocol::Finished{});
  EXPECT_EQ(symptom("main"), "");
  EXPECT_EQ(symptom("again"), "stage smoke ended with exit code 7");
  EXPECT_EQ(symptom("control:nan"), "stage smoke ended with exit code 7");
}

TEST_F(PartsTest, AfterAMainThatFailedTheOthersAreToldAsNotRun) {
  extra = {true, {"lr0"}, extra.second_tree};
  stage("smoke", "exit 3", Feeds::both);
  EXPECT_EQ(run().outcome, JobOutcome::stage_failed);
  EXPECT_EQ(symptom("again"), "was not run: stage smoke ended with exit code 3");
  EXPECT_EQ(symptom("control:lr0"), "was not run: stage smoke ended with exit code 3");
  EXPECT_TRUE(trees.empty());
}

TEST_F(PartsTest, TheJobsDeadlineHoldsForAllOfThem) {
  extra.controls = {"lr0"};
  plan.deadline = std::chrono::steady_clock::now() + 6s;
  stage("smoke", "test -z \"$SMGATE_CONTROL\" || exec sleep 1000", Feeds::both);
  EXPECT_EQ(run(), protocol::Finished{});
  EXPECT_EQ(symptom("control:lr0"), "stage smoke was still running when the job's time was up");
}

TEST_F(PartsTest, WithoutASecondTreeTheHostHasFailed) {
  extra = {true, {"lr0"}, [](const fs::path&) { return Result<void>(Error{"no space", "", ""}); }};
  stage("smoke", "true", Feeds::both);
  EXPECT_EQ(run().outcome, JobOutcome::checkout_failed);
}

TEST_F(PartsTest, ACancelEndsThePartThatRuns) {
  extra = {true, {"lr0"}, [this](const fs::path&) {
             cancellation.request(StopReason::cancelled, "superseded");
             return Result<void>{};
           }};
  stage("smoke", "true", Feeds::both);
  EXPECT_EQ(run(), (protocol::Finished{JobOutcome::cancelled, "superseded"}));
}

TEST_F(PartsTest, ShareTheBudgetsOfTheirJob) {
  extra.controls = {"lr0"};
  plan.limits.events_bytes_max = 4096;
  stage("smoke", "head -c 3000 /dev/zero | tr '\\0' x > $SMGATE_EVENTS/1.jsonl", Feeds::both);
  run();
  EXPECT_EQ(events("main", "1.jsonl").size(), 3000U);
  EXPECT_EQ(events("control:lr0", "1.jsonl"), "");
  EXPECT_THAT(events("control:lr0", "runner.jsonl"), HasSubstr("more events than the runner passes on"));
}

}  // namespace
}  // namespace smgate::exec
