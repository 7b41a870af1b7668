// What the runner sees of the checkpoints that stages report: real stages, files, links and pipes.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "runner/exec/stages.hpp"
#include "tests/runner/recorder.hpp"
#include "tests/support/schema.hpp"
#include "tests/support/scratch.hpp"

namespace smgate::exec {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const fs::path kWeights = fs::path(SMGATE_SOURCE_DIR) / "tests/fuzz/corpus/weights";

class CheckpointTest : public testing::Test {
 protected:
  CheckpointTest() {
    plan.arch = {"sm_89"};
    plan.work_tree = scratch / "work";
    plan.deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    fs::create_directories(plan.work_tree);
  }
  // A stage that runs the script; `say PATH` reports a checkpoint there.
  void stage(const std::string& script) {
    const std::string say =
        R"(n=0; say() { printf '{"ev":"checkpoint","seq":%d,"t_ns":1,"pid":7,"rank":0,"source":"self","path":"%s",)"
        R"("claimed_container":"safetensors","container":"safetensors","bytes":1,"whole":true,"finite":true}\n' $n "$1")"
        R"( >> $SMGATE_EVENTS/7.jsonl; n=$((n+1)); }; )";
    plan.stages.push_back({"smoke", {"/bin/sh", "-c", say + script}, 60, {}, Feeds::both});
  }
  // The runner's checkpoint events, each held against the schema.
  std::vector<json> seen() {
    EXPECT_EQ(run_stages(plan, folder, sink, cancellation), protocol::Finished{});
    const auto schema = test::JsonSchema::of_project("event");
    std::vector<json> events;
    std::istringstream lines(sink.events("runner.jsonl"));
    for (std::string line; std::getline(lines, line);) {
      EXPECT_EQ(schema.mistakes(json::parse(line)), "") << line;
      if (json::parse(line)["ev"] == "checkpoint") events.push_back(json::parse(line));
    }
    return events;
  }
  json the_one() {
    const std::vector<json> events = seen();
    EXPECT_EQ(events.size(), 1U);
    return events.empty() ? json::object() : events[0];
  }
  static std::string corpus(const std::string& name) { return (kWeights / name).string(); }

  test::Scratch scratch;
  JobFolder folder{scratch / "job"};
  JobPlan plan;
  test::RecordingSink sink;
  Cancellation cancellation;
};

TEST_F(CheckpointTest, IsReadFromTheWorkTreeOnceItsStageHasEnded) {
  stage("say out.safetensors; cp " + corpus("small.safetensors") + " out.safetensors");
  const json event = the_one();
  EXPECT_EQ(event["source"], "runner");
  EXPECT_EQ(event["path"], "out.safetensors");
  EXPECT_EQ(event["container"], "safetensors");
  EXPECT_EQ(event["bytes"], fs::file_size(corpus("small.safetensors")));
  EXPECT_EQ(event["whole"], true);
  EXPECT_EQ(event["finite"], true);
  EXPECT_EQ(event["tensors"], 4);
}

TEST_F(CheckpointTest, IsSeenAsItIsNotAsTheWorkloadSays) {
  stage("cp " + corpus("not_finite.safetensors") + " a; head -c 100 " + corpus("small.gguf") + " > b; say a; say b");
  const std::vector<json> events = seen();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0]["finite"], false);
  EXPECT_EQ(events[1]["container"], "gguf");
  EXPECT_EQ(events[1]["whole"], false);
}

TEST_F(CheckpointTest, IsFoundInTheFoldersOfTheJobThroughLinksOfItsOwn) {
  stage("cp " + corpus("small.gguf") + " $HOME/real; ln -s $HOME/real latest; say latest");
  EXPECT_EQ(the_one()["container"], "gguf");
}

TEST_F(CheckpointTest, IsNotReadOutsideOfTheJobsFolders) {
  const std::string secret = (scratch / "secret").string();
  fs::copy_file(corpus("small.gguf"), secret);
  stage("say " + secret + "; ln -s " + secret + " link; say link; ln -s / root; say root" + secret + "; say ../secret");
  const std::vector<json> events = seen();
  EXPECT_EQ(events.size(), 4U);
  for (const json& event : events) {
    EXPECT_FALSE(event.contains("container")) << event;
    EXPECT_FALSE(event.contains("bytes")) << event;
    EXPECT_NE(event["text"].get<std::string>().find("outside"), std::string::npos) << event;
  }
}

TEST_F(CheckpointTest, ThatIsNoFileIsNotRead) {
  stage("mkfifo pipe; mkdir folder; say pipe; say folder");
  const std::vector<json> events = seen();
  EXPECT_EQ(events.size(), 2U);
  for (const json& event : events)
    EXPECT_NE(event["text"].get<std::string>().find("no regular file"), std::string::npos);
}

TEST_F(CheckpointTest, ThatIsGoneIsMissingOnlyWhereItIsTheLast) {
  stage("cp " + corpus("small.safetensors") + " 2; say 1; say 2; say 3");
  const std::vector<json> events = seen();
  ASSERT_EQ(events.size(), 2U) << "the first was made room for";
  EXPECT_EQ(events[0]["path"], "2");
  EXPECT_EQ(events[1]["path"], "3");
  EXPECT_EQ(events[1]["bytes"], 0);
}

TEST_F(CheckpointTest, IsLookedAtOnceHoweverOftenItWasReported) {
  stage("cp " + corpus("small.safetensors") + " a; say a; say a; say a");
  EXPECT_EQ(seen().size(), 1U);
}

TEST_F(CheckpointTest, ThatALogNamesIsReadToo) {
  plan.adapter = R"json({"name": "regex", "patterns": {"checkpoint": "saved (?P<path>.*)"}})json";
  stage("cp " + corpus("small.safetensors") + " out; echo saved out");
  EXPECT_EQ(the_one()["whole"], true);
}

TEST_F(CheckpointTest, OfAStageThatFeedsNoContractIsNobodysBusiness) {
  stage("cp " + corpus("small.safetensors") + " a; say a");
  plan.stages[0].feeds = Feeds::none;
  EXPECT_TRUE(seen().empty());
}

TEST_F(CheckpointTest, OfUnifiedDevicesTheHostsMemoryIsToldUnlessTheyArePlayed) {
  for (const bool emulated : {false, true}) {
    sink.items.clear();
    plan.stages.clear();
    plan.device = {"GB10", 128'000'000'000, true, emulated};
    stage("true");
    seen();
    EXPECT_EQ(sink.events("runner.jsonl").find("\"ev\":\"memory\"") != std::string::npos, !emulated);
  }
}

}  // namespace
}  // namespace smgate::exec
