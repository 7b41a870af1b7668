#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "runner/exec/sandbox.hpp"
#include "tests/runner/agent_process.hpp"
#include "tests/runner/coordinator_stub.hpp"
#include "tests/runner/messages.hpp"
#include "tests/support/git_repository.hpp"

namespace smgate::agent {
namespace {

using namespace protocol;
using test::kJob;
using test::kLease;
using test::kOtherLease;

class AgentTest : public testing::Test {
 protected:
  Assign assign(const std::string& script) {
    Assign message = test::an_assign();
    message.clone_url = repository.url();
    message.commit = commit;
    message.ref = "";
    message.stages = {{"smoke", {"/bin/sh", "-c", script}, 60, {}, Feeds::both}};
    return message;
  }
  // Reads and acknowledges until the job's last word, which it returns; the rest is in `items`.
  Finished acknowledge_all() {
    while (true) {
      const Item item = coordinator.item();
      EXPECT_EQ(item.seq, items.size());
      items.push_back(item.body);
      coordinator.send(Ack{item.job, item.lease, item.seq});
      if (const auto* finished = std::get_if<Finished>(&item.body)) return *finished;
    }
  }
  std::string log() const {
    std::string text;
    for (const ItemBody& body : items)
      if (const auto* chunk = std::get_if<LogChunk>(&body)) text += chunk->bytes;
    return text;
  }
  void read_until_log_says(const std::string& word) {
    while (log().find(word) == std::string::npos) items.push_back(coordinator.item().body);
  }
  void drain_to_exit() {
    agent.terminate();
    EXPECT_EQ(agent.wait(), 0);
  }
  static bool alive(const std::string& pid) { return kill(std::stoi(pid), 0) == 0; }

  test::Scratch scratch;
  test::GitRepository repository{scratch / "repository"};
  CommitSha commit = repository.commit({{"word.txt", "hello\n"}});
  test::CoordinatorStub coordinator;
  test::AgentProcess agent{scratch, coordinator.port()};
  std::vector<ItemBody> items;
};

TEST_F(AgentTest, IntroducesItselfWithItsToken) {
  agent.start();
  EXPECT_EQ(coordinator.accept(), "Bearer secret");
  const Hello hello = std::get<Hello>(coordinator.read());
  EXPECT_EQ(hello.runner.value, "runner-1");
  EXPECT_EQ(hello.arch.value, "sm_89");
  EXPECT_TRUE(hello.device.emulated);
  coordinator.send(Welcome{50, 60'000});
  EXPECT_TRUE(coordinator.heartbeat().held.empty());
  drain_to_exit();
}

TEST_F(AgentTest, ClosesItsStagesOffFromItself) {
  if (const auto possible = exec::open_sandbox({}); !possible) GTEST_SKIP() << possible.error().text();
  test::AgentProcess closed(scratch, coordinator.port(), "\"grace_ms\": 100", true);
  closed.start();
  coordinator.greet();
  const std::string config = (scratch / "agent.jsonc").string();
  coordinator.send(assign("git show HEAD:word.txt && ! cat " + config + " && ls ../../../spool"));
  EXPECT_EQ(acknowledge_all().outcome, JobOutcome::stage_failed);
  EXPECT_EQ(log().rfind("hello\n", 0), 0U) << log();
  EXPECT_EQ(log().find("secret"), std::string::npos) << log();
  EXPECT_NE(log().find("spool': No such file"), std::string::npos) << log();
  closed.terminate();
  EXPECT_EQ(closed.wait(), 0);
}

TEST_F(AgentTest, RunsAJobAndReportsItToItsEnd) {
  agent.start();
  coordinator.greet();
  coordinator.send(assign("cat word.txt; echo '{\"ev\":\"note\"}' > $SMGATE_EVENTS/1.jsonl; echo $SMGATE_ARCH"));
  EXPECT_EQ(acknowledge_all(), Finished{});
  EXPECT_EQ(log(), "hello\nsm_89\n");
  EXPECT_EQ(std::get<StageBegin>(items.front()).stage, "smoke");
  const auto attestation = std::get<EventChunk>(items.at(1));
  EXPECT_EQ(attestation.file, "runner.jsonl");
  EXPECT_NE(attestation.lines.find("\"cold\":true"), std::string::npos);
  EXPECT_EQ(std::get<StageEnd>(items.at(items.size() - 2)).outcome, StageOutcome::succeeded);
  while (!coordinator.heartbeat().held.empty()) {
  }
  EXPECT_FALSE(std::filesystem::exists(scratch / "data" / "jobs" / kLease.value));
  drain_to_exit();
}

TEST_F(AgentTest, GoesOnWhereItLeftOffAfterALostConnection) {
  agent.start();
  coordinator.greet();
  coordinator.send(assign("for i in 1 2 3 4 5; do echo $i; done; cat " + (scratch / "fifo").string()));
  ASSERT_EQ(mkfifo((scratch / "fifo").c_str(), 0600), 0);
  read_until_log_says("5\n");
  coordinator.drop();
  const std::size_t known = 2;  // the coordinator stored two of them
  items.resize(known);
  EXPECT_EQ(coordinator.greet().held, (std::vector<HeldJob>{{kJob, kLease}}));
  coordinator.send(Resume{kJob, kLease, known});
  std::ofstream(scratch / "fifo") << "6\n";
  EXPECT_EQ(acknowledge_all().outcome, JobOutcome::completed);
  EXPECT_EQ(log(), "1\n2\n3\n4\n5\n6\n");
  drain_to_exit();
}

TEST_F(AgentTest, CancelEndsTheWholeTree) {
  agent.start();
  coordinator.greet();
  coordinator.send(assign("setsid sh -c 'trap \"\" TERM; echo pid $$ ready; while :; do sleep 1000; done'"));
  read_until_log_says("ready");
  const std::string pid = log().substr(4, log().find(' ', 4) - 4);
  coordinator.send(Cancel{kJob, kLease, "superseded"});
  EXPECT_EQ(acknowledge_all(), (Finished{JobOutcome::cancelled, "superseded"}));
  EXPECT_FALSE(alive(pid));
  drain_to_exit();
}

TEST_F(AgentTest, ARefusedJobIsKilledAndNotReported) {
  agent.start();
  coordinator.greet();
  coordinator.send(assign("echo pid $$ ready; exec sleep 1000"));
  read_until_log_says("ready");
  coordinator.send(Refuse{kJob, kLease, "the lease ran out"});
  Assign next = assign("echo next");
  next.job = {"01BX5ZZKBKACTAV9WEVGEMMVS7"};
  next.lease = kOtherLease;
  coordinator.send(next);
  items.clear();
  EXPECT_EQ(acknowledge_all().outcome, JobOutcome::completed);
  EXPECT_EQ(log(), "next\n");
  drain_to_exit();
}

TEST_F(AgentTest, KilledTakesItsChildrenAlongAndReportsTheJobAsLostAfterwards) {
  agent.start();
  coordinator.greet();
  coordinator.send(assign("setsid sh -c 'echo pid $$ ready; exec sleep 1000'"));
  read_until_log_says("ready");
  const std::string pid = log().substr(4, log().find(' ', 4) - 4);
  agent.kill_hard();
  agent.start();
  EXPECT_EQ(coordinator.greet().held, (std::vector<HeldJob>{{kJob, kLease}}));
  EXPECT_FALSE(alive(pid));
  coordinator.send(Resume{kJob, kLease, items.size()});
  EXPECT_EQ(acknowledge_all().outcome, JobOutcome::lost);
  drain_to_exit();
}

TEST_F(AgentTest, DrainsByFinishingItsJob) {
  ASSERT_EQ(mkfifo((scratch / "fifo").c_str(), 0600), 0);
  agent.start();
  coordinator.greet();
  coordinator.send(assign("echo ready; cat " + (scratch / "fifo").string()));
  read_until_log_says("ready");
  agent.terminate();
  while (!coordinator.heartbeat().draining) {
  }
  std::ofstream(scratch / "fifo") << "done\n";
  EXPECT_EQ(acknowledge_all().outcome, JobOutcome::completed);
  EXPECT_EQ(agent.wait(), 0);
}

TEST_F(AgentTest, ASecondSignalEndsTheRunningJob) {
  agent.start();
  coordinator.greet();
  coordinator.send(assign("echo ready; exec sleep 1000"));
  read_until_log_says("ready");
  agent.terminate();
  while (!coordinator.heartbeat().draining) {
  }
  agent.terminate();
  EXPECT_EQ(acknowledge_all().outcome, JobOutcome::lost);
  EXPECT_EQ(agent.wait(), 0);
}

TEST_F(AgentTest, DialsAgainWhenTheCoordinatorIsNotReady) {
  agent.start();
  coordinator.decline(503);
  EXPECT_EQ(coordinator.greet().runner.value, "runner-1");
  drain_to_exit();
}

TEST_F(AgentTest, ReportsACheckoutThatFails) {
  agent.start();
  coordinator.greet();
  Assign message = assign("true");
  message.commit = {std::string(40, 'b')};
  coordinator.send(message);
  const Finished finished = acknowledge_all();
  EXPECT_EQ(finished.outcome, JobOutcome::checkout_failed);
  EXPECT_NE(finished.text.find(repository.url()), std::string::npos);
  drain_to_exit();
}

}  // namespace
}  // namespace smgate::agent
