// The web server as such: keep-alive, refusals, limits, and how it stops.
#include "server/http/server.hpp"

#include <gmock/gmock.h>

#include <future>

#include "tests/support/server_fixture.hpp"

namespace smgate::test {
namespace {

using testing::HasSubstr;

class HttpServer : public ServerTest {};

constexpr const char* kGet = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";

TEST_F(HttpServer, KeepsAConnectionForMoreRequests) {
  RawConnection connection(port());
  for (int i = 0; i < 3; ++i) {
    connection.send(kGet);
    EXPECT_EQ(connection.answer().status, 200U);
  }
}

TEST_F(HttpServer, AnswersRequestsThatComeTogetherInOrder) {
  RawConnection connection(port());
  connection.send(std::string(kGet) + "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n" + kGet);
  EXPECT_EQ(connection.answer().status, 200U);
  EXPECT_EQ(connection.answer().status, 404U);
  EXPECT_EQ(connection.answer().status, 200U);
}

TEST_F(HttpServer, AnswersHeadWithoutABody) {
  RawConnection connection(port());
  connection.send("HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  const HttpAnswer head = connection.answer(true);
  EXPECT_EQ(head.headers.at("content-length"), "16");
  connection.send(kGet);
  EXPECT_EQ(connection.answer().body, "{\"status\":\"ok\"}\n");
}

TEST_F(HttpServer, SaysWhichMethodsAnAddressHas) {
  const HttpAnswer answer = http_request(port(), "DELETE", "/api/v1/runs");
  EXPECT_EQ(answer.status, 405U);
  EXPECT_EQ(answer.headers.at("allow"), "GET, HEAD");
  EXPECT_EQ(answer.headers.at("content-type"), "application/problem+json");
}

TEST_F(HttpServer, SendsHeadersThatKeepBrowsersSafe) {
  const Headers headers = http_get(port(), "/healthz").headers;
  EXPECT_EQ(headers.at("x-content-type-options"), "nosniff");
  EXPECT_THAT(headers.at("content-security-policy"), HasSubstr("default-src 'none'"));
  EXPECT_EQ(headers.at("cache-control"), "no-store");
}

TEST_F(HttpServer, TakesNoBodyWhereNoneIsServed) {
  EXPECT_EQ(http_request(port(), "GET", "/healthz", {}, "x").status, 413U);
}

TEST_F(HttpServer, RefusesAHeaderThatIsTooLarge) {
  const std::string large(http::kHeaderBytesMax, 'x');
  EXPECT_EQ(http_get(port(), "/healthz", {{"X-Large", large}}).status, 431U);
}

TEST_F(HttpServer, RefusesWhatIsNotHttp) {
  RawConnection connection(port());
  connection.send("\x16\x03\x01 hello\r\n\r\n");
  EXPECT_EQ(connection.answer().status, 400U);
  EXPECT_TRUE(connection.closed_by_peer());
}

TEST_F(HttpServer, StopsWhileConnectionsAreIdle) {
  RawConnection connection(port());
  connection.send(kGet);
  EXPECT_EQ(connection.answer().status, 200U);
  stop();
  EXPECT_TRUE(connection.closed_by_peer());
}

TEST_F(HttpServer, FinishesTheRequestThatItHasBegunBeforeItStops) {
  RawConnection connection(port());
  RawConnection witness(port());
  connection.send("GET /healthz HTTP/1.1\r\nHost: x\r\n");
  witness.send(kGet);  // answered later than the half request was read: there is one network thread
  EXPECT_EQ(witness.answer().status, 200U);
  auto stopped = std::async(std::launch::async, [this] { stop(); });
  EXPECT_TRUE(witness.closed_by_peer());  // so stopping has begun
  connection.send("\r\n");
  const HttpAnswer answer = connection.answer();
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(answer.headers.at("connection"), "close");
  stopped.get();
}

TEST_F(HttpServer, SaysGoodbyeToRunnersWhenItStops) {
  const auto worker = runner("r1", "sm_89");
  auto stopped = std::async(std::launch::async, [this] { stop(); });
  EXPECT_EQ(worker->socket().closed().code, 1001U);
  stopped.get();
}

}  // namespace
}  // namespace smgate::test
