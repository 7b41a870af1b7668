// What a live stream sends while nothing happens, and how many there may be; without a server around them.
#include "server/dashboard/feeds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include "server/dashboard/api.hpp"
#include "tests/support/scratch.hpp"

namespace smgate::dashboard {
namespace {

class Feeds : public testing::Test {
 protected:
  template <class T>
  T await(boost::asio::awaitable<T> work) {
    auto result = boost::asio::co_spawn(io_, std::move(work), boost::asio::use_future);
    io_.restart();
    io_.run();
    return result.get();
  }
  std::string next(Feed& feed) { return await(feed.next()); }
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

TEST_F(Feeds, AreRefusedBeyondTheirLimitAndTakenAgainBelowIt) {
  const SystemClock clock;
  Metrics metrics;
  Api api(store_, clock, metrics, {{}, [] { return true; }, {}, {}}, {.streams_max = 2});
  const std::vector<http::Route> routes = api.routes();
  const auto stream =
      std::find_if(routes.begin(), routes.end(), [](const auto& one) { return one.pattern == "/api/v1/events"; });
  const auto ask = [&] { return await(stream->handler({})); };
  std::optional<http::Response> one = ask();
  const http::Response other = ask();
  EXPECT_EQ(other.status, 200U);
  EXPECT_EQ(ask().status, 503U);
  EXPECT_NE(ask().body.find("too-many-streams"), std::string::npos);
  one.reset();  // its reader went
  EXPECT_EQ(ask().status, 200U);
}

}  // namespace
}  // namespace smgate::dashboard
