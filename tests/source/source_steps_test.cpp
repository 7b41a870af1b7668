#include "server/source/source_steps.hpp"

#include <gtest/gtest.h>

#include "tests/store/rows.hpp"

namespace smgate::source {
namespace {

struct NextSourceTask : testing::Test, test::Rows {
  NextTask next(const store::Keys& keys) {
    return store.read([&](store::ReadTx& tx) { return next_source_task(tx, keys, now_ms); });
  }
  store::Keys keys(const std::string& repository, std::int64_t made_ms) const {
    store::Keys keys{"https://git.example", "company.pem", {}, {}};
    keys.at_hand[repository] = {{GitCredential{"x-access-token", Secret("ghs_one")}, "", ""}, made_ms, now_ms + 1};
    return keys;
  }
};

TEST_F(NextSourceTask, IsOfTheOldestRepositoryThatCanBeRead) {
  make_run('1', 'b', "main", "acme/closed");
  ++now_ms;
  const RunId open = make_run('2', 'b', "main", "acme/kernels");
  const NextTask found = next(keys("acme/kernels", now_ms));
  ASSERT_TRUE(found.task);
  EXPECT_EQ(found.task->run, open);
  EXPECT_EQ(found.task->access.credential->password.reveal(), "ghs_one");
  ASSERT_EQ(found.wanted.size(), 1U);
  EXPECT_EQ(found.wanted[0].full_name, "acme/closed");
}

TEST_F(NextSourceTask, WaitsForAnotherTokenAfterAFailedFetch) {
  make_run();
  const SourceTask task = *next(keys("acme/kernels", now_ms)).task;
  write([&](store::Tx& tx) { return finish_source(tx, task, Unavailable{"refused"}, now_ms, random); });
  now_ms += retry_delay_ms(1);
  EXPECT_FALSE(next(keys("acme/kernels", now_ms - 1)).task);
  EXPECT_TRUE(next(keys("acme/kernels", now_ms)).task);
}

TEST_F(NextSourceTask, TakesNoTokenToAnotherHost) {
  make_run();
  store::Keys elsewhere = keys("acme/kernels", now_ms);
  elsewhere.origin = "https://git.example.com";
  EXPECT_FALSE(next(elsewhere).task->access.credential);
  elsewhere.origin = "";
  EXPECT_FALSE(next(elsewhere).task->access.credential);
}

}  // namespace
}  // namespace smgate::source
