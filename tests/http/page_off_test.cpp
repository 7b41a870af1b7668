// A server that was built without its page: what it says where the page would be.
#include <gmock/gmock.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include "server/dashboard/page.hpp"
#include "server/dashboard/page_files.hpp"

namespace smgate::dashboard {
namespace {

using testing::HasSubstr;

http::Response ask(const std::string& pattern) {
  const std::vector<http::Route> routes = page_routes();
  const auto route =
      std::find_if(routes.begin(), routes.end(), [&](const auto& one) { return one.pattern == pattern; });
  boost::asio::io_context io;
  http::Request request;
  request.path = pattern;
  auto response = boost::asio::co_spawn(io, route->handler(request), boost::asio::use_future);
  io.run();
  return response.get();
}

TEST(PageLeftOut, SaysSoAtEveryAddressAndWhereTheRestIs) {
  ASSERT_TRUE(page_files().empty());
  for (const char* address : {"/", "/runs/{id}", "/compare", "/trends", "/runners"}) {
    const http::Response response = ask(address);
    EXPECT_EQ(response.status, 200U);
    EXPECT_THAT(response.content_type, HasSubstr("text/plain"));
    EXPECT_THAT(response.body, HasSubstr("was built without its web page"));
    EXPECT_THAT(response.body, HasSubstr("/api/v1/runs"));
    EXPECT_THAT(response.body, HasSubstr("install nodejs and npm"));
  }
  EXPECT_EQ(ask("/assets/{file}").status, 404U);
}

}  // namespace
}  // namespace smgate::dashboard
