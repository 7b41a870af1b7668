#include "server/store/outbox.hpp"

#include <gtest/gtest.h>

#include "tests/store/rows.hpp"

namespace smgate::store {
namespace {

struct Outbox : testing::Test, test::Rows {
  std::int64_t enqueue(const std::string& lane, const std::string& body, CallKind kind = CallKind::set_check,
                       const std::string& external_id = "x") {
    return write([&](Tx& tx) {
      return enqueue_call(tx, {lane, kind, "acme/kernels", external_id, body, std::nullopt, std::nullopt}, now_ms);
    });
  }
  std::optional<Call> begin() {
    return write([&](Tx& tx) { return begin_next_call(tx, now_ms); });
  }
  void finish(std::int64_t seq) {
    write([&](Tx& tx) { finish_call(tx, seq, std::nullopt, now_ms); });
  }
  Call find(std::int64_t seq) {
    return store.read([&](ReadTx& tx) { return list_calls(tx, {}, seq + 1, 1).at(0); });
  }
};

TEST_F(Outbox, SendsALaneInOrderWhileOtherLanesGoOn) {
  const auto first = enqueue("a", "1", CallKind::create_comment);
  const auto second = enqueue("a", "2", CallKind::create_comment);
  const auto other = enqueue("b", "3", CallKind::create_comment);
  EXPECT_EQ(begin()->seq, first);
  write([&](Tx& tx) { retry_call(tx, first, {now_ms + 10, "502", true, BodyCut::whole}); });
  EXPECT_EQ(begin()->seq, other);
  finish(other);
  EXPECT_FALSE(begin());
  now_ms += 10;
  EXPECT_EQ(begin()->seq, first);
  finish(first);
  EXPECT_EQ(begin()->seq, second);
}

TEST_F(Outbox, ANewWishSupersedesTheOneThatNobodyBegan) {
  const auto begun = enqueue("a", "1");
  begin();
  const auto waiting = enqueue("a", "2");
  const auto annotations = enqueue("a", "3", CallKind::add_annotations);
  const auto another = enqueue("a", "4", CallKind::set_check, "y");
  const auto newest = enqueue("a", "5");
  EXPECT_EQ(find(begun).state, CallState::pending);
  EXPECT_EQ(find(waiting).state, CallState::superseded);
  EXPECT_EQ(find(annotations).state, CallState::pending);
  EXPECT_EQ(find(another).state, CallState::pending);
  EXPECT_EQ(find(newest).state, CallState::pending);
}

TEST_F(Outbox, ACallThatWasBegunIsUnsureUntilItsEndIsKnown) {
  const auto seq = enqueue("a", "1");
  EXPECT_FALSE(begin()->unsure);
  const auto again = begin();  // as after a crash
  EXPECT_TRUE(again->unsure);
  EXPECT_EQ(again->attempts, 2);
  write([&](Tx& tx) { retry_call(tx, seq, {now_ms, "rate limit", false, BodyCut::bare, false}); });
  const auto third = begin();
  EXPECT_FALSE(third->unsure);
  EXPECT_EQ(third->attempts, 2);
  EXPECT_EQ(third->cut, BodyCut::bare);
}

TEST_F(Outbox, RemembersTheCheckRunThatACallMade) {
  make_run();
  write([&](Tx& tx) { save_repository(tx, {"acme/kernels", "", "main", 77}, now_ms); });
  const auto seq = enqueue(check_lane("acme/kernels", test::sha('a'), "smgate"), "{}");
  EXPECT_EQ(begin()->installation, 77);
  const Check made{"acme/kernels", test::sha('a'), "smgate", "x", 4, "completed", "success", 3};
  write([&](Tx& tx) { finish_call(tx, seq, made, now_ms); });
  const auto found = store.read([](ReadTx& tx) { return find_check(tx, "acme/kernels", test::sha('a'), "smgate"); });
  ASSERT_TRUE(found);
  EXPECT_EQ(found->check_run_id, 4);
  EXPECT_EQ(found->annotations, 3);
  EXPECT_EQ(find(seq).state, CallState::sent);
}

TEST_F(Outbox, ACallGivenUpIsCountedAndListedWithItsError) {
  const auto seq = enqueue("a", "1");
  begin();
  write([&](Tx& tx) { give_up_call(tx, seq, "422: no", now_ms); });
  const auto counts = store.read([](ReadTx& tx) { return count_calls(tx); });
  EXPECT_EQ(counts.pending, 0);
  EXPECT_EQ(counts.dead, 1);
  CallFilter dead;
  dead.state = CallState::dead;
  const auto listed = store.read([&](ReadTx& tx) { return list_calls(tx, dead, std::nullopt, 10); });
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0].last_error, "422: no");
  EXPECT_EQ(write([&](Tx& tx) { return forget_calls(tx, now_ms + 1, 10); }), 1);
}

}  // namespace
}  // namespace smgate::store
