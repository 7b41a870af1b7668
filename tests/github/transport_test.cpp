// How a request travels: whose certificate is believed, how long and how much is waited for.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <netdb.h>

#include <fstream>
#include <future>

#include "tests/github/github_fixture.hpp"

namespace {

std::promise<void> name_server_answers;  // for the one name that it never answers in time

}  // namespace

// Takes the place of libc's, so that one name's look-up hangs until the test lets it go.
extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints, addrinfo** result) {
  if (std::string(node) == "slow.example") {
    name_server_answers.get_future().wait();
    return EAI_FAIL;
  }
  using GetAddrInfo = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto kOfLibc = reinterpret_cast<GetAddrInfo>(dlsym(RTLD_NEXT, "getaddrinfo"));
  return kOfLibc(node, service, hints, result);
}

namespace smgate::test {
namespace {

using testing::HasSubstr;

constexpr std::chrono::milliseconds kShort{200};

class Transport : public GithubTest {
 protected:
  github::Exchanged get(const std::string& url, const std::filesystem::path& ca_file = "") {
    github::Transport transport = github::make_transport(io_.get_executor(), ca_file, deadline_);
    return await(transport({"GET", github::parse_url(url).value(), {}, ""}));
  }
  std::string why_not(const std::string& url, const std::filesystem::path& ca_file = "") {
    return std::get<github::NoAnswer>(get(url, ca_file)).what;
  }
  std::filesystem::path certificate_file(const FakeGitHub& fake) {
    std::ofstream(scratch_ / "ca.pem") << fake.certificate();
    return scratch_ / "ca.pem";
  }
  std::string deliveries(const FakeGitHub& fake) { return fake.url() + "/app/hook/deliveries"; }

  std::chrono::milliseconds deadline_ = github::kExchangeDeadline;
};

TEST_F(Transport, RefusesACertificateThatNobodyVouchesForAndSaysWhy) {
  FakeGitHub fake(clock_, FakeTls::of_loopback);
  const std::string why = why_not(deliveries(fake));
  EXPECT_THAT(why, HasSubstr("certificate verify failed"));
  EXPECT_THAT(why, HasSubstr("self-signed certificate"));
  EXPECT_THAT(why, HasSubstr("ca_file"));
  EXPECT_TRUE(fake.seen().empty());
}

TEST_F(Transport, BelievesTheCertificatesThatTheConfigurationNames) {
  FakeGitHub fake(clock_, FakeTls::of_loopback);
  const auto answer = std::get<github::Answer>(get(deliveries(fake), certificate_file(fake)));
  EXPECT_EQ(answer.status, 401U);  // it asked without a token
  EXPECT_EQ(fake.seen().size(), 1U);
}

TEST_F(Transport, RefusesATrustedCertificateOfAnotherHost) {
  FakeGitHub fake(clock_, FakeTls::of_another_host);
  EXPECT_THAT(why_not(deliveries(fake), certificate_file(fake)), HasSubstr("IP address mismatch"));
  EXPECT_TRUE(fake.seen().empty());
}

TEST_F(Transport, RefusesAFileWithoutCertificatesAtStart) {
  EXPECT_THROW(github::make_transport(io_.get_executor(), scratch_ / "absent.pem"), std::runtime_error);
}

TEST_F(Transport, WaitsForAnAnswerNoLongerThanItsDeadline) {
  github_.fail_next({Fault::Kind::silent, 0, {}, ""});
  deadline_ = kShort;
  github::Client client(settings(github_, true), clock_, github::make_transport(io_.get_executor(), "", kShort));
  const github::Outcome outcome = await(client.send(github::list_hook_deliveries(), {}, 1));
  const auto& retry = std::get<github::Retry>(outcome.meaning);
  EXPECT_THAT(retry.error, HasSubstr("no answer in time"));
  EXPECT_TRUE(retry.unsure);
}

TEST_F(Transport, WaitsForANameNoLongerThanItsDeadline) {
  deadline_ = kShort;
  github::Transport transport = github::make_transport(io_.get_executor(), "", deadline_);
  github::Exchange exchange{"GET", github::parse_url("http://slow.example/").value(), {}, ""};
  auto future = boost::asio::co_spawn(io_, transport(std::move(exchange)), boost::asio::use_future);
  const auto is_there = [&] { return future.wait_for(std::chrono::seconds(0)) == std::future_status::ready; };
  while (!is_there()) io_.run_one();  // not until the look-up ends: it never does by itself
  name_server_answers.set_value();
  io_.run();
  const auto none = std::get<github::NoAnswer>(future.get());
  EXPECT_THAT(none.what, HasSubstr("no answer in time"));
  EXPECT_FALSE(none.sent);
}

TEST_F(Transport, AnAnswerThatBreaksOffIsNone) {
  github_.fail_next({Fault::Kind::cut_midway, 200, {}, "[1, 2, 3, 4]"});
  const github::Outcome outcome = await(client_.send(github::list_hook_deliveries(), {}, 1));
  EXPECT_TRUE(std::get<github::Retry>(outcome.meaning).unsure);
}

TEST_F(Transport, ReadsNoAnswerThatIsTooLarge) {
  github_.fail_next({Fault::Kind::answer, 200, {}, std::string(github::kAnswerBytesMax + 1, ' ')});
  const github::Outcome outcome = await(client_.send(github::list_hook_deliveries(), {}, 1));
  EXPECT_THAT(std::get<github::Retry>(outcome.meaning).error, HasSubstr("body limit exceeded"));
}

TEST_F(Transport, WhatHasNotChangedIsNotReadAgain) {
  const github::Target target{"acme/kernels", std::nullopt};
  const auto numbers = [&] {
    const github::Outcome outcome = await(client_.send(github::list_open_pulls("acme/kernels"), target, 1));
    return nlohmann::json::parse(outcome.answer.body).size();
  };
  github_.set_pulls({pull_item(1, std::string(40, 'a'), std::string(40, 'b'), "2026-05-20T05:05:30Z")});
  EXPECT_EQ(numbers(), 1U);
  EXPECT_EQ(numbers(), 1U);
  EXPECT_EQ(github_.seen().back().status, 304U);
  github_.set_pulls({});
  EXPECT_EQ(numbers(), 0U);
  EXPECT_EQ(github_.seen().back().status, 200U);
}

// A GitHub that answers each request with the next of these; what it was asked.
struct Script {
  boost::asio::awaitable<github::Exchanged> answer(github::Exchange exchange) {
    asked.push_back(std::move(exchange));
    github::Answer next{200, {}, "{}"};
    if (asked.size() <= answers.size()) next = answers[asked.size() - 1];
    co_return next;
  }
  github::Client client(const Clock& clock, const char* api) {
    return {{github::parse_url(api).value(), github::Secret("a token")}, clock, [this](github::Exchange exchange) {
              return answer(std::move(exchange));
            }};
  }
  static github::Answer to(unsigned status, const char* location) { return {status, {{"location", location}}, ""}; }
  std::vector<github::Answer> answers{};
  std::vector<github::Exchange> asked{};
};

TEST_F(Transport, ARedirectedWriteStaysAWriteWithItsBody) {
  for (const unsigned status : {301U, 302U, 307U, 308U}) {
    Script script{{Script::to(status, "/api/v3/repositories/7/check-runs")}};
    github::Client client = script.client(clock_, "https://ghe.example/api/v3");
    await(client.send(github::create_check_run("acme/kernels", {{"name", "smgate"}}), {}, 1));
    clock_.advance_ms(2'000);
    ASSERT_EQ(script.asked.size(), 2U) << status;
    EXPECT_EQ(script.asked[0].url.target, "/api/v3/repos/acme/kernels/check-runs");
    EXPECT_EQ(script.asked[1].url.target, "/api/v3/repositories/7/check-runs");
    EXPECT_EQ(script.asked[1].method, "POST");
    EXPECT_EQ(script.asked[1].body, R"({"name":"smgate"})");
    EXPECT_EQ(script.asked[1].headers, script.asked[0].headers) << "the same host gets the token";
  }
}

TEST_F(Transport, FollowsNoRedirectOutOfTlsAndNoneForEver) {
  const github::Answer plain = Script::to(301, "http://ghe.example/api/v3/x");
  Script script{{plain}};
  github::Client client = script.client(clock_, "https://ghe.example/api/v3");
  const github::Outcome outcome = await(client.send(github::get_pull("acme/kernels", 1), {}, 1));
  EXPECT_TRUE(std::holds_alternative<github::Retry>(outcome.meaning));
  EXPECT_EQ(script.asked.size(), 1U);
  Script circle{std::vector<github::Answer>(50, Script::to(302, "/again"))};
  github::Client dizzy = circle.client(clock_, "https://ghe.example/api/v3");
  await(dizzy.send(github::get_pull("acme/kernels", 1), {}, 1));
  EXPECT_EQ(circle.asked.size(), 1U + github::kRedirectsMax);
}

// A webhook named installation 4 once; GitHub knows 9.
TEST_F(Transport, FindsAnAppThatWasInstalledAnew) {
  const github::Answer token{201, {}, R"({"token": "ghs_x", "expires_at": "2026-05-20T07:00:00Z"})"};
  Script script{{{404, {}, "{}"}, {200, {}, R"({"id": 9})"}, token}};
  github::Client client(settings(github_, true), clock_,
                        [&script](github::Exchange exchange) { return script.answer(std::move(exchange)); });
  const auto first = await(client.contents_token({"acme/kernels", 4}));
  EXPECT_FALSE(std::get<github::NoToken>(first).refused);
  EXPECT_EQ(std::get<github::NoToken>(first).retry_ms, clock_.now_ms() + github::kBetweenWrites_ms);
  clock_.advance_ms(github::kBetweenWrites_ms);
  EXPECT_TRUE(std::holds_alternative<github::Token>(await(client.contents_token({"acme/kernels", 4}))));
  EXPECT_EQ(script.asked.back().url.target, "/app/installations/9/access_tokens");
  Script refuses{{{404, {}, "{}"}, {200, {}, R"({"id": 4})"}}};
  github::Client refused(settings(github_, true), clock_,
                         [&refuses](github::Exchange exchange) { return refuses.answer(std::move(exchange)); });
  EXPECT_TRUE(std::get<github::NoToken>(await(refused.contents_token({"acme/kernels", 4}))).refused);
}

TEST_F(Transport, ANextPageOnAnotherHostIsNotRead) {
  Script script{{{200, {{"link", "<https://evil.example/api/v3/x?page=2>; rel=\"next\""}}, "[]"}}};
  github::Client client = script.client(clock_, "https://ghe.example/api/v3");
  const auto all = [](const nlohmann::json&) { return true; };
  await(client.each_page(github::list_open_pulls("acme/kernels"), {}, 5, all));
  EXPECT_EQ(script.asked.size(), 1U);
}

// Asks for so much else, while GitHub thinks, that all that was remembered is pushed out.
struct Crowd {
  boost::asio::awaitable<github::Outcome> pull(std::int64_t number) {
    return client->send(github::get_pull("acme/kernels", number), {"acme/kernels", std::nullopt}, 1);
  }
  boost::asio::awaitable<github::Exchanged> answer(github::Exchange exchange) {
    if (!exchange.headers.contains("if-none-match") || std::exchange(came, true))
      co_return github::Answer{200, {{"etag", "\"1\""}}, "the pull request"};
    for (std::size_t i = 0; i < 2 * github::kTagsMax; ++i) co_await pull(static_cast<std::int64_t>(i) + 2);
    co_return github::Answer{304, {}, ""};
  }
  std::optional<github::Client> client{};
  bool came = false;
};

TEST_F(Transport, WhatHasNotChangedIsKnownHoweverMuchIsAskedMeanwhile) {
  Crowd crowd;
  crowd.client.emplace(settings(github_, false), clock_,
                       [&crowd](github::Exchange exchange) { return crowd.answer(std::move(exchange)); });
  await(crowd.pull(1));
  const github::Outcome again = await(crowd.pull(1));
  EXPECT_TRUE(crowd.came);
  EXPECT_EQ(again.answer.body, "the pull request");
}

}  // namespace
}  // namespace smgate::test
