// The agent dies at every crash point, with a job of its last life on its disk, and is started again. Whatever it loses
// is nothing that the coordinator was told: the job ends once, with the right outcome and a whole report.
#include <gtest/gtest.h>

#include <boost/system/system_error.hpp>

#include "runner/agent/crash_points.hpp"
#include "tests/runner/agent_process.hpp"
#include "tests/runner/coordinator_stub.hpp"
#include "tests/runner/messages.hpp"
#include "tests/support/git_repository.hpp"

namespace smgate::agent {
namespace {

using namespace protocol;

// Stores every item once, under its lease and seq, and leases a job again that was lost.
class FaithfulCoordinator {
 public:
  FaithfulCoordinator(test::CoordinatorStub& stub, Assign assign) : stub_(stub), assign_(std::move(assign)) {}

  // A job is begun, and its agent dies without a word.
  void begin(test::AgentProcess& agent) {
    agent.start();
    stub_.greet();
    stub_.send(assign_);
    store(stub_.item());
    agent.kill_hard();
    stub_.drop();
  }
  // Until the job has ended and the agent holds nothing.
  void serve(test::AgentProcess& agent, const std::string& crash_at) {
    for (bool done = false; !done;) {
      if (!agent.running()) agent.start(crash_at);
      if (!stub_.wait_for_connection([&agent] { return agent.ended(); })) continue;
      try {
        connection();
        done = true;
      } catch (const boost::system::system_error&) {
        agent.wait();
      }
    }
  }
  const std::vector<ItemBody>& items() const { return items_; }  // of the last lease
  int ends() const { return ends_; }                             // but for `lost`

 private:
  void connection() {
    bool resumed = false;
    for (const HeldJob& held : stub_.greet().held) {
      resumed = held.lease == assign_.lease && ends_ == 0;
      if (resumed)
        stub_.send(Resume{held.job, held.lease, items_.size()});
      else
        stub_.send(Refuse{held.job, held.lease, "this lease has ended"});
    }
    if (!resumed && ends_ == 0) lease_again();
    while (ends_ == 0) store(stub_.item());
    while (!stub_.heartbeat().held.empty()) {
    }
  }
  void lease_again() {
    assign_.lease.value.back() =
        static_cast<char>(assign_.lease.value.back() == 'Y' ? '0' : assign_.lease.value.back() + 1);
    items_.clear();
    stub_.send(assign_);
  }
  void store(const Item& item) {
    EXPECT_EQ(item.lease, assign_.lease);
    if (item.seq < items_.size()) return;  // sent again, since the acknowledgement was lost
    EXPECT_EQ(item.seq, items_.size());
    items_.push_back(item.body);
    stub_.send(Ack{item.job, item.lease, item.seq});
    const auto* finished = std::get_if<Finished>(&item.body);
    if (finished == nullptr) return;
    if (finished->outcome == JobOutcome::lost) return lease_again();
    ++ends_;
  }

  test::CoordinatorStub& stub_;
  Assign assign_;
  std::vector<ItemBody> items_;
  int ends_ = 0;
};

class CrashTest : public testing::TestWithParam<std::string_view> {
 protected:
  Assign assign() {
    Assign message = test::an_assign();
    message.clone_url = repository.url();
    message.commit = commit;
    message.stages = {{"build", {"/bin/sh", "-c", "cat word.txt"}, 60, {}, Feeds::none},
                      {"smoke", {"/bin/sh", "-c", "echo smoked; exit 3"}, 60, {}, Feeds::both}};
    return message;
  }
  static std::string log(const std::vector<ItemBody>& items) {
    std::string text;
    for (const ItemBody& body : items)
      if (const auto* chunk = std::get_if<LogChunk>(&body)) text += chunk->bytes;
    return text;
  }

  test::Scratch scratch;
  test::GitRepository repository{scratch / "repository"};
  CommitSha commit = repository.commit({{"word.txt", "hello\n"}});
  test::CoordinatorStub stub;
  test::AgentProcess agent{scratch, stub.port()};
};

TEST_P(CrashTest, LosesNothingAcknowledgedAndEndsTheJobOnce) {
  FaithfulCoordinator coordinator(stub, assign());
  coordinator.begin(agent);
  coordinator.serve(agent, std::string(GetParam()));
  EXPECT_TRUE(agent.crashed()) << "the point was never passed";
  EXPECT_EQ(coordinator.ends(), 1);
  ASSERT_FALSE(coordinator.items().empty());
  EXPECT_EQ(std::get<Finished>(coordinator.items().back()).outcome, JobOutcome::stage_failed);
  EXPECT_EQ(log(coordinator.items()), "hello\nsmoked\n");
  EXPECT_TRUE(std::filesystem::is_empty(scratch / "data" / "spool"));
  agent.terminate();
  EXPECT_EQ(agent.wait(), 0);
}

INSTANTIATE_TEST_SUITE_P(EveryPoint, CrashTest, testing::ValuesIn(kCrashPoints), [](const auto& point) {
  std::string name(point.param.substr(point.param.find('.') + 1));
  return name;
});

}  // namespace
}  // namespace smgate::agent
