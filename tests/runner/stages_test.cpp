#include "runner/exec/stages.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/runner/recorder.hpp"
#include "tests/support/scratch.hpp"

namespace smgate::exec {
namespace {

using protocol::JobOutcome;
using protocol::StageEnd;
using protocol::StageOutcome;
using namespace std::chrono_literals;

class StagesTest : public testing::Test {
 protected:
  StagesTest() {
    plan.commit = {std::string(40, 'a')};
    plan.arch = {"sm_89"};
    plan.device = {"RTX 4090", 24ULL << 30U, false, true};
    plan.work_tree = scratch.path();
    plan.deadline = std::chrono::steady_clock::now() + 60s;
    plan.limits.grace = 50ms;
  }
  void stage(const std::string& name, const std::string& script, Feeds feeds = Feeds::none, int timeout_s = 60) {
    plan.stages.push_back({name, {"/bin/sh", "-c", script}, timeout_s, {}, feeds});
  }
  protocol::Finished run() { return run_stages(plan, folder, sink, cancellation); }
  std::vector<StageOutcome> outcomes() const {
    std::vector<StageOutcome> list;
    for (const auto& end : sink.all<StageEnd>()) list.push_back(end.outcome);
    return list;
  }

  using Outcomes = std::vector<StageOutcome>;
  test::Scratch scratch;
  JobFolder folder{scratch / "job"};
  JobPlan plan;
  test::RecordingSink sink;
  Cancellation cancellation;
};

TEST_F(StagesTest, RunInOrderInOneWorkTreeAndOneHome) {
  stage("build", "echo built > made; echo 1 > $HOME/kept");
  stage("smoke", "cat made $HOME/kept");
  EXPECT_EQ(run(), protocol::Finished{});
  EXPECT_EQ(sink.log(), "built\n1\n");
  EXPECT_EQ(outcomes(), (Outcomes{StageOutcome::succeeded, StageOutcome::succeeded}));
}

TEST_F(StagesTest, AfterAFailureStartNoMore) {
  stage("build", "exit 2");
  stage("smoke", "echo never");
  const auto finished = run();
  EXPECT_EQ(finished.outcome, JobOutcome::stage_failed);
  EXPECT_EQ(finished.text, "stage build ended with exit code 2");
  EXPECT_EQ(sink.log(), "");
  EXPECT_EQ(outcomes(), (Outcomes{StageOutcome::failed, StageOutcome::not_started}));
}

TEST_F(StagesTest, SayWhatCannotBeStarted) {
  plan.stages.push_back({"smoke", {"./smoke"}, 60, {}, Feeds::both});
  EXPECT_EQ(run().outcome, JobOutcome::stage_failed);
  EXPECT_EQ(sink.all<StageEnd>().at(0).exit_code, 127);
  EXPECT_EQ(sink.log(), "[smgate] ./smoke cannot be started: No such file or directory\n");
}

TEST_F(StagesTest, EndAtTheirDeadline) {
  stage("smoke", "exec sleep 1000", Feeds::both, 0);
  EXPECT_EQ(run().outcome, JobOutcome::timed_out);
  EXPECT_EQ(outcomes(), Outcomes{StageOutcome::timed_out});
}

TEST_F(StagesTest, EndAtTheDeadlineOfTheirJob) {
  plan.deadline = std::chrono::steady_clock::now();
  stage("smoke", "exec sleep 1000");
  EXPECT_EQ(run().outcome, JobOutcome::timed_out);
}

TEST_F(StagesTest, CancelledBeforeTheyStartAreNotStarted) {
  cancellation.request(StopReason::cancelled, "superseded");
  stage("smoke", "echo never");
  EXPECT_EQ(run(), (protocol::Finished{JobOutcome::cancelled, "superseded"}));
  EXPECT_EQ(outcomes(), Outcomes{StageOutcome::not_started});
}

TEST_F(StagesTest, ThatFeedAContractAreAttestedToRunColdWithEmptyCaches) {
  stage("build", "touch $TRITON_CACHE_DIR/warm");
  stage("smoke", "find $TRITON_CACHE_DIR $CUDA_CACHE_PATH -type f | wc -l", Feeds::kernel_cache);
  run();
  EXPECT_EQ(sink.log(), "0\n");
  const std::string lines = sink.events("runner.jsonl");
  ASSERT_EQ(std::count(lines.begin(), lines.end(), '\n'), 1) << "one stage feeds a contract";
  const auto event = nlohmann::json::parse(lines);
  EXPECT_EQ(event["ev"], "run_start");
  EXPECT_EQ(event["source"], "runner");
  EXPECT_EQ(event["arch"], "sm_89");
  EXPECT_TRUE(event["cold"]);
  EXPECT_TRUE(event["emulated"]);
}

TEST_F(StagesTest, EachHaveAnEventsFolderOfTheirOwn) {
  stage("one", "echo '{\"n\":1}' > $SMGATE_EVENTS/1.jsonl", Feeds::kernel_cache);
  stage("two", "ls $SMGATE_EVENTS; echo '{\"n\":2}' > $SMGATE_EVENTS/1.jsonl", Feeds::distillation);
  run();
  EXPECT_EQ(sink.log(), "");
  EXPECT_EQ(sink.events("1.jsonl"), "{\"n\":1}\n{\"n\":2}\n");
}

TEST_F(StagesTest, ThatFeedNoContractPassNoEventsOn) {
  stage("build", "echo '{\"n\":1}' > $SMGATE_EVENTS/1.jsonl");
  run();
  EXPECT_TRUE(sink.all<protocol::EventChunk>().empty());
}

TEST_F(StagesTest, NumberTheRunnersOwnEventsThroughTheJob) {
  stage("one", "true", Feeds::kernel_cache);
  stage("two", "true", Feeds::distillation);
  run();
  const std::string lines = sink.events("runner.jsonl");
  EXPECT_NE(lines.find("\"seq\":0"), std::string::npos);
  EXPECT_NE(lines.find("\"seq\":1"), std::string::npos);
}

TEST_F(StagesTest, HaveTheirLogReadByTheAdapterWhereTheyFeedAContract) {
  plan.adapter = R"({"name": "aprender"})";
  stage("build", "echo \"[FWD-CACHE] Compiling 'none' (ptx_len=1)\"");
  stage("smoke", "echo \"[FWD-CACHE] Compiling 'silu_forward' (ptx_len=1)\"; echo \"[FWD-CACHE] OK 'silu_forward'\"",
        Feeds::kernel_cache);
  run();
  const std::string lines = sink.events("adapter.jsonl");
  EXPECT_NE(lines.find("silu_forward"), std::string::npos);
  EXPECT_EQ(lines.find("'none'"), std::string::npos);
}

TEST_F(StagesTest, GiveTheAdapterItsPatternsAndTheManifestOfTheWorkTree) {
  plan.adapter = R"json({"name": "regex", "patterns": {"step": "loss (?P<loss>.*)"}, "manifest": "declared.json"})json";
  stage("build", "echo '{\"steps\": 50, \"kd_alpha\": \"0.3\"}' > declared.json");
  stage("smoke", "echo loss 2.5", Feeds::distillation);
  run();
  const std::string lines = sink.events("adapter.jsonl");
  EXPECT_NE(lines.find(R"("loss":2.5)"), std::string::npos) << lines;
  EXPECT_NE(lines.find(R"("config":{"manifest":{"alpha":"0.3","steps":50}})"), std::string::npos) << lines;
}

TEST_F(StagesTest, SayThatAManifestCannotBeUsed) {
  plan.adapter = R"({"name": "aprender", "manifest": "declared.json"})";
  stage("smoke", "true", Feeds::distillation);
  run();
  const std::string lines = sink.events("adapter.jsonl");
  EXPECT_NE(lines.find(R"("ev":"run_end")"), std::string::npos) << lines;
  EXPECT_NE(lines.find("the manifest declared.json cannot be used"), std::string::npos) << lines;
}

TEST_F(StagesTest, SayThatAnAdapterIsNotKnown) {
  plan.adapter = R"({"name": "no-such"})";
  stage("smoke", "true", Feeds::kernel_cache);
  run();
  EXPECT_NE(sink.events("adapter.jsonl").find("cannot read the log"), std::string::npos);
}

TEST_F(StagesTest, TellWhatTheyLeaveBehind) {
  stage("smoke", "setsid sleep 1000 & exit 0");
  EXPECT_EQ(run().outcome, JobOutcome::completed);
  EXPECT_NE(sink.log().find("left running"), std::string::npos);
}

TEST_F(StagesTest, FoldersGoAwayEvenWhenReadOnly) {
  stage("build", "mkdir -p $HOME/a/b && touch $HOME/a/b/c && chmod -w $HOME/a/b $HOME/a");
  run();
  EXPECT_TRUE(folder.remove());
  EXPECT_FALSE(std::filesystem::exists(scratch / "job"));
}

}  // namespace
}  // namespace smgate::exec
