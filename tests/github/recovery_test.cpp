// What is made up for when webhooks never come, against a GitHub that lists deliveries, pull requests and refs.
#include "server/recovery/recovery.hpp"

#include "common/random.hpp"
#include "server/intake/intake.hpp"
#include "server/sender/sender.hpp"
#include "tests/github/github_fixture.hpp"
#include "tests/server/payloads.hpp"

namespace smgate::test {
namespace {

using store::RunState;

constexpr std::int64_t kPeriod_ms = 600'000;
const std::string kBase(40, 'b');
constexpr const char* kNowText = "2026-05-20T05:05:30Z";

HookAttempt attempt(const std::string& guid, unsigned status_code) {
  HookAttempt made;
  made.guid = guid;
  made.event = "push";
  made.status_code = status_code;
  return made;
}

std::string group_ref(char base) { return "refs/heads/gh-readonly-queue/main/pr-7-" + std::string(40, base); }

class RecoveryTest : public GithubTest {
 protected:
  // A whole round, and what it asks for sent; as after a restart, nothing is remembered but rows. The attempts asked
  // for.
  std::vector<HookAttempt> round() {
    recovery::Recovery recovery(
        store_, client_, clock_, {{"acme/kernels"}, kPeriod_ms}, [] {}, [] {});
    while (await(recovery.step())) continue;
    work_off();
    return github_.take_asked();
  }
  void work_off() {
    while (store_.write([&](store::Tx& tx) { return intake::process_next_delivery(tx, clock_.now_ms(), random_); }))
      continue;
    while (store_.read([](store::ReadTx& tx) { return store::count_calls(tx).pending; }) > 0) {
      await(sender_.step());
      clock_.advance_ms(1'000);
    }
  }
  void come(const std::string& guid, const std::string& event, const nlohmann::json& payload) {
    store_.write([&](store::Tx& tx) {
      return intake::accept_delivery(tx, {DeliveryId{guid}, event, payload.dump(), clock_.now_ms()});
    });
    work_off();
  }
  void settle() { clock_.advance_ms(recovery::kSettled_ms + 1'000); }
  // Of a head: how its runs stand.
  std::vector<RunState> runs(char head) {
    return store_.read([&](store::ReadTx& tx) {
      std::vector<RunState> states;
      for (const store::HeadRun& one : store::runs_of_head(tx, "acme/kernels", sha(head)))
        states.push_back(one.run.state);
      return states;
    });
  }
  std::size_t listed() {
    std::size_t count = 0;
    for (const Seen& seen : github_.seen()) count += seen.path.starts_with("/app/hook/deliveries?") ? 1U : 0U;
    return count;
  }

  SeededRandom random_{1};
  sender::Sender sender_{store_, client_, clock_};
};

TEST_F(RecoveryTest, AsksForEachFailedAttemptOnce) {
  const std::int64_t first = github_.sent(attempt("d-1", 502));
  github_.sent(attempt("d-2", 202));
  const auto asked = round();
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].id, first);
  EXPECT_TRUE(round().empty());
  const std::int64_t second = github_.sent(attempt("d-1", 504));
  EXPECT_TRUE(round().empty());  // so soon
  clock_.advance_ms(recovery::kAskAgain_ms);
  const auto again = round();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].id, second);
}

TEST_F(RecoveryTest, AsksForNothingThatCameInTheEnd) {
  github_.sent(attempt("d-1", 502));
  github_.sent(attempt("d-1", 202));
  github_.sent(attempt("d-2", 0));  // our answer was lost, the delivery was not
  come("d-2", "push", push_json({}));
  EXPECT_TRUE(round().empty());
}

TEST_F(RecoveryTest, ReadsEveryPageOnceAndThenTheNewestOnes) {
  for (int i = 0; i < 7; ++i) github_.sent(attempt("d-" + std::to_string(i), 502));
  EXPECT_EQ(round().size(), 7U);
  EXPECT_EQ(listed(), 4U);
  clock_.advance_ms(2 * recovery::kOverlap_ms);
  for (int i = 7; i < 9; ++i) github_.sent(attempt("d-" + std::to_string(i), 502));
  EXPECT_EQ(round().size(), 2U);
  clock_.advance_ms(2 * recovery::kOverlap_ms);
  github_.sent(attempt("ok", 202));
  const std::size_t before = listed();
  EXPECT_TRUE(round().empty());
  EXPECT_EQ(listed() - before, 2U);  // down to the first that is older than the overlap
}

TEST_F(RecoveryTest, LooksAgainWhereAnOutageInterruptedIt) {
  for (int i = 0; i < 5; ++i) github_.sent(attempt("d-" + std::to_string(i), 502));
  recovery::Recovery recovery(
      store_, client_, clock_, {{}, kPeriod_ms}, [] {}, [] {});
  github_.set_down(true);
  await(recovery.step());
  EXPECT_FALSE(await(recovery.step()));  // not at once
  github_.set_down(false);
  clock_.advance_ms(github::back_off_ms(1));
  await(recovery.step());
  work_off();
  EXPECT_EQ(github_.take_asked().size(), 5U);
}

TEST_F(RecoveryTest, GivesUpAfterEightFailedRedeliveries) {
  int asked = 0;
  github_.sent(attempt("d-1", 502));
  for (int i = 0; i < 50; ++i) {
    for (const HookAttempt& again : round()) {
      github_.sent(again);
      ++asked;
    }
    clock_.advance_ms(recovery::kAskAgain_ms * 6);
  }
  EXPECT_EQ(asked, recovery::kAsksMax);
}

TEST_F(RecoveryTest, MakesTheRunsOfOpenPullRequestsThatTheirWebhooksWouldHaveMade) {
  nlohmann::json closed = pull_item(3, std::string(40, 'e'), kBase, kNowText);
  closed["state"] = "closed";
  github_.set_pulls({pull_item(1, std::string(40, 'a'), kBase, kNowText),
                     pull_item(2, std::string(40, 'c'), kBase, kNowText, "stranger/kernels"), closed,
                     pull_item(4, std::string(40, 'd'), kBase, "2026-05-01T00:00:00Z")});
  round();
  round();
  EXPECT_EQ(runs('a'), std::vector{RunState::fetching});
  EXPECT_EQ(runs('c'), std::vector{RunState::held});
  EXPECT_TRUE(runs('e').empty());
  EXPECT_TRUE(runs('d').empty());  // it was there long before this server
  PullSpec late;
  late.number = 1;
  come("d-1", "pull_request", pull_json(late));  // the webhook, after all
  EXPECT_EQ(runs('a'), std::vector{RunState::fetching});
}

TEST_F(RecoveryTest, NoticesANewHeadAndThatAPullRequestWasClosed) {
  PullSpec spec;
  spec.number = 1;
  come("d-1", "pull_request", pull_json(spec));
  settle();
  github_.set_pulls({pull_item(1, std::string(40, 'c'), kBase, "2026-05-20T05:06:30Z")});
  round();
  EXPECT_EQ(runs('a'), std::vector{RunState::cancelled});
  EXPECT_EQ(runs('c'), std::vector{RunState::fetching});
  settle();
  nlohmann::json closed = pull_item(1, std::string(40, 'c'), kBase, "2026-05-20T05:07:30Z");
  closed["state"] = "closed";
  github_.set_pulls({closed});
  round();
  EXPECT_EQ(runs('c'), std::vector{RunState::cancelled});
}

TEST_F(RecoveryTest, AnOldListUndoesNothing) {
  PullSpec spec;
  spec.number = 1;
  spec.updated_at = "2026-05-20T05:06:30Z";
  come("d-1", "pull_request", pull_json(spec));
  github_.set_pulls({pull_item(1, std::string(40, 'c'), kBase, kNowText)});
  round();
  EXPECT_EQ(runs('a'), std::vector{RunState::fetching});
  EXPECT_TRUE(runs('c').empty());
  github_.set_pulls({});  // not listed, and so young that the list may be older
  round();
  EXPECT_EQ(runs('a'), std::vector{RunState::fetching});
}

TEST_F(RecoveryTest, MakesTheRunOfAMergeGroupAndEndsItWithItsBranch) {
  github_.set_pulls({pull_item(7, std::string(40, 'a'), kBase, kNowText)});
  github_.set_refs({ref_item(group_ref('b'), std::string(40, 'c')),
                    ref_item("refs/heads/gh-readonly-queue/main/odd", std::string(40, 'd')),
                    ref_item("refs/heads/main", kBase)});
  round();
  round();
  EXPECT_EQ(runs('c'), std::vector{RunState::fetching});
  EXPECT_TRUE(runs('d').empty());
  github_.set_refs({});
  round();
  EXPECT_EQ(runs('c'), std::vector{RunState::fetching});  // so young that the list may be older
  settle();
  round();
  EXPECT_EQ(runs('c'), std::vector{RunState::cancelled});
}

TEST_F(RecoveryTest, GoesOnWithoutARepositoryThatItMayNotSee) {
  github_.set_pulls({pull_item(1, std::string(40, 'a'), kBase, kNowText)});
  recovery::Recovery recovery(
      store_, client_, clock_, {{"acme/gone", "acme/kernels"}, kPeriod_ms}, [] {}, [] {});
  await(recovery.step());
  github_.fail_next({Fault::Kind::answer, 404, {}, R"({"message": "Not Found"})"});
  while (await(recovery.step())) continue;
  work_off();
  EXPECT_EQ(runs('a'), std::vector{RunState::fetching});
  EXPECT_FALSE(await(recovery.step()));
  clock_.advance_ms(kPeriod_ms);
  EXPECT_TRUE(await(recovery.step()));
}

TEST_F(RecoveryTest, WithATokenAloneLooksAtHeadsAndNotAtDeliveries) {
  github::Client client(settings(github_, false), clock_, github::make_transport(io_.get_executor(), ""));
  github_.set_pulls({pull_item(1, std::string(40, 'a'), kBase, kNowText)});
  recovery::Recovery recovery(
      store_, client, clock_, {{"acme/kernels"}, kPeriod_ms}, [] {}, [] {});
  while (await(recovery.step())) continue;
  work_off();
  EXPECT_EQ(runs('a'), std::vector{RunState::fetching});
  EXPECT_EQ(listed(), 0U);
}

}  // namespace
}  // namespace smgate::test
