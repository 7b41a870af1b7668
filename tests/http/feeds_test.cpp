// What a live stream sends while nothing happens, without a server around it.
#include "server/dashboard/feeds.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include "tests/support/scratch.hpp"

namespace smgate::dashboard {
namespace {

class Feeds : public testing::Test {
 protected:
  std::string next(Feed& feed) {
    auto text = boost::asio::co_spawn(io_, feed.next(), boost::asio::use_future);
    io_.restart();
    io_.run();
    return text.get();
  }
  static constexpr Pace kFast{std::chrono::milliseconds(1), std::chrono::milliseconds(3)};
  test::Scratch scratch_;
  store::Store store_{{scratch_ / "smgate.db", 1}};
  boost::asio::io_context io_;
  std::size_t open_ = 0;
  bool ready_ = true;
};

TEST_F(Feeds, BeatWhileNothingHappens) {
  ChangeFeed feed(
      store_, open_, [this] { return ready_; }, std::nullopt, kFast);
  EXPECT_EQ(next(feed), "id: 0\nevent: hello\ndata: {}\n\n");
  for (int beats = 0; beats < 3; ++beats) EXPECT_EQ(next(feed), ": still here\n\n");
  ready_ = false;
  EXPECT_EQ(next(feed), "");
}

TEST_F(Feeds, GiveTheirPlaceBack) {
  {
    ChangeFeed one(
        store_, open_, [] { return true; }, std::nullopt);
    ChangeFeed other(
        store_, open_, [] { return true; }, std::nullopt);
    EXPECT_EQ(open_, 2U);
  }
  EXPECT_EQ(open_, 0U);
}

}  // namespace
}  // namespace smgate::dashboard
