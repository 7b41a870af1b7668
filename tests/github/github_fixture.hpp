// A client of the fake GitHub, as the App, with a store on disk and a clock that the test moves.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include "server/github/client.hpp"
#include "server/store/store.hpp"
#include "tests/support/fake_github.hpp"
#include "tests/support/scratch.hpp"

namespace smgate::test {

class GithubTest : public testing::Test {
 protected:
  ~GithubTest() override {
    store_.close();
    EXPECT_EQ(github_.mistakes(), std::vector<std::string>{});
  }

  static github::Settings settings(const FakeGitHub& fake, bool app) {
    const github::Url url = github::parse_url(fake.url()).value();
    if (!app) return {url, github::Secret("a personal token")};
    return {url, github::AppIdentity{"Iv1.fake", github::AppKey::parse(github::Secret(fake.private_key())).value()}};
  }

  template <class T>
  T await(boost::asio::awaitable<T> awaitable) {
    auto future = boost::asio::co_spawn(io_, std::move(awaitable), boost::asio::use_future);
    io_.restart();
    io_.run();
    return future.get();
  }

  Scratch scratch_;
  FakeClock clock_{1'779'253'530'000};
  FakeGitHub github_{clock_};
  boost::asio::io_context io_{1};
  store::Store store_{{scratch_.path() / "a.db", 1}};
  github::Client client_{settings(github_, true), clock_, github::make_transport(io_.get_executor(), "")};
};

}  // namespace smgate::test
