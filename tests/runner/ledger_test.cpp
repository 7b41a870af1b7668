#include "runner/agent/ledger.hpp"

#include <gtest/gtest.h>

#include "tests/runner/messages.hpp"
#include "tests/support/scratch.hpp"

namespace smgate::agent {
namespace {

using namespace protocol;
using test::an_assign;
using test::kJob;
using test::kLease;
using test::kOtherLease;

class HeldStarter final : public JobStarter {
 public:
  void start(std::shared_ptr<Job> job) override { jobs.push_back(std::move(job)); }
  std::vector<std::shared_ptr<Job>> jobs;
};

class LedgerTest : public testing::Test {
 protected:
  LedgerTest() { restart(); }
  void restart() {
    starter.jobs.clear();
    ledger = std::make_unique<Ledger>(test::a_hello(), scratch.path(), starter);
  }
  void put(ItemBody body) {
    starter.jobs.at(0)->spool->append(std::move(body));
    starter.jobs.at(0)->spool->sync();
  }
  // The seqs that go out now.
  std::vector<std::uint64_t> sent() {
    std::vector<std::uint64_t> seqs;
    while (const auto text = ledger->next_item()) seqs.push_back(std::get<Item>(parse_from_runner(*text).value()).seq);
    return seqs;
  }
  std::vector<LeaseToken> held() {
    std::vector<LeaseToken> leases;
    for (const HeldJob& job : ledger->heartbeat().held) leases.push_back(job.lease);
    return leases;
  }
  std::optional<Finished> last_word() {
    std::optional<Finished> last;
    while (const auto text = ledger->next_item()) {
      const Item item = std::get<Item>(parse_from_runner(*text).value());
      if (const auto* finished = std::get_if<Finished>(&item.body)) last = *finished;
    }
    return last;
  }

  using Seqs = std::vector<std::uint64_t>;
  test::Scratch scratch;
  HeldStarter starter;
  std::unique_ptr<Ledger> ledger;
};

TEST_F(LedgerTest, StartsAJobOnceHoweverOftenItIsAssigned) {
  ledger->receive(an_assign());
  ledger->receive(an_assign());
  EXPECT_EQ(starter.jobs.size(), 1U);
  EXPECT_EQ(held(), std::vector{kLease});
}

TEST_F(LedgerTest, SendsNoMoreThanTheWindowUntilAcknowledged) {
  ledger->receive(an_assign());
  for (std::size_t i = 0; i < kItemsUnacknowledgedMax + 5; ++i) put(StageBegin{"build"});
  EXPECT_EQ(sent().size(), kItemsUnacknowledgedMax);
  ledger->receive(Ack{kJob, kLease, 2});
  EXPECT_EQ(sent(), (Seqs{64, 65, 66}));
}

TEST_F(LedgerTest, AfterALostConnectionGoesOnWhereTheCoordinatorSays) {
  ledger->receive(an_assign());
  for (int i = 0; i < 5; ++i) put(StageBegin{"build"});
  EXPECT_EQ(sent().size(), 5U);
  EXPECT_EQ(ledger->hello().held.size(), 1U);
  EXPECT_EQ(sent(), Seqs{}) << "nothing before Resume";
  ledger->receive(Resume{kJob, kLease, 3});
  EXPECT_EQ(sent(), (Seqs{3, 4}));
}

TEST_F(LedgerTest, ForgetsAJobWhenItsLastItemIsAcknowledged) {
  ledger->receive(an_assign());
  put(StageBegin{"build"});
  put(Finished{});
  EXPECT_EQ(sent(), (Seqs{0, 1}));
  ledger->receive(Ack{kJob, kLease, 0});
  EXPECT_FALSE(ledger->empty());
  ledger->receive(Ack{kJob, kLease, 1});
  EXPECT_TRUE(ledger->empty());
  EXPECT_TRUE(std::filesystem::is_empty(scratch.path()));
}

TEST_F(LedgerTest, ForgetsAJobWhoseEndTheCoordinatorHadAlready) {
  ledger->receive(an_assign());
  put(Finished{});
  ledger->hello();
  ledger->receive(Resume{kJob, kLease, 1});
  EXPECT_TRUE(ledger->empty());
}

TEST_F(LedgerTest, TakesNoAcknowledgementOfWhatWasNotSent) {
  ledger->receive(an_assign());
  put(Finished{});
  ledger->receive(Ack{kJob, kLease, 0});
  EXPECT_FALSE(ledger->empty());
  ledger->receive(Ack{kJob, kLease, UINT64_MAX});
  EXPECT_FALSE(ledger->empty());
}

TEST_F(LedgerTest, DropsARefusedJobWithItsSpool) {
  ledger->receive(an_assign());
  put(StageBegin{"build"});
  ledger->receive(Refuse{kJob, kLease, "the lease ran out"});
  EXPECT_EQ(starter.jobs.at(0)->stop.reason(), exec::StopReason::refused);
  EXPECT_TRUE(held().empty());
  EXPECT_TRUE(std::filesystem::is_empty(scratch.path()));
}

TEST_F(LedgerTest, EndsTheOldLeaseOfAJobThatIsAssignedAgain) {
  ledger->receive(an_assign());
  Assign again = an_assign();
  again.lease = kOtherLease;
  ledger->receive(again);
  EXPECT_EQ(starter.jobs.at(0)->stop.reason(), exec::StopReason::refused);
  EXPECT_EQ(held(), std::vector{kOtherLease});
}

TEST_F(LedgerTest, DropsAJobThatIsToGoOnAtItemsItDoesNotHave) {
  ledger->receive(an_assign());
  put(StageBegin{"build"});
  ledger->hello();
  ledger->receive(Resume{kJob, kLease, 9});
  EXPECT_TRUE(ledger->empty());
}

TEST_F(LedgerTest, AfterARestartReportsAnUnfinishedJobAsLost) {
  ledger->receive(an_assign());
  put(StageBegin{"build"});
  restart();
  EXPECT_TRUE(starter.jobs.empty()) << "it is not run again";
  EXPECT_EQ(ledger->hello().held.size(), 1U);
  ledger->receive(Resume{kJob, kLease, 0});
  EXPECT_EQ(last_word()->outcome, JobOutcome::lost);
}

TEST_F(LedgerTest, AfterARestartGoesOnReportingAFinishedJob) {
  ledger->receive(an_assign());
  put(Finished{JobOutcome::stage_failed, "stage build ended with exit code 2"});
  restart();
  ledger->hello();
  ledger->receive(Resume{kJob, kLease, 0});
  EXPECT_EQ(last_word()->outcome, JobOutcome::stage_failed);
}

TEST_F(LedgerTest, WhileDrainingGivesBackWhatIsAssigned) {
  ledger->drain();
  EXPECT_TRUE(ledger->heartbeat().draining);
  ledger->receive(an_assign());
  EXPECT_TRUE(starter.jobs.empty());
  EXPECT_EQ(last_word()->outcome, JobOutcome::lost);
}

TEST_F(LedgerTest, RunsNoJobOfAnotherArchitecture) {
  Assign assign = an_assign();
  assign.arch = {"sm_121"};
  ledger->receive(assign);
  EXPECT_TRUE(starter.jobs.empty());
  EXPECT_EQ(last_word()->outcome, JobOutcome::runner_error);
}

}  // namespace
}  // namespace smgate::agent
