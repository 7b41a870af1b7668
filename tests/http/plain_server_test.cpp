// http::Server by itself, with handlers and deadlines that only a test would want.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <stdexcept>
#include <thread>

#include "server/http/server.hpp"
#include "tests/support/http_client.hpp"

namespace smgate::http {
namespace {

using boost::asio::awaitable;
using std::chrono::milliseconds;
using test::RawConnection;
using testing::HasSubstr;

struct Busy : std::runtime_error {
  using std::runtime_error::runtime_error;
};

awaitable<Response> fail(Request) {
  throw std::runtime_error("a handler's bug");
  co_return Response{};
}

awaitable<Response> refuse(Request) {
  throw Busy("busy");
  co_return Response{};
}

awaitable<Response> echo(Request request) { co_return text_response(200, std::move(request.body)); }

awaitable<std::string> nothing() { co_return ""; }

awaitable<Response> break_off(Request) {
  Response response = text_response(200, "");
  auto stream = std::make_shared<BodyStream>();
  stream->length = 10;
  stream->next = [] { return nothing(); };
  response.stream = std::move(stream);
  co_return response;
}

Router routes() {
  Router router;
  router.add({"GET", "/fail", fail, 0});
  router.add({"GET", "/busy", refuse, 0});
  router.add({"GET", "/break-off", break_off, 0});
  router.add({"POST", "/echo", echo, 100});
  return router;
}

std::optional<Problem> explain(const std::exception& error) {
  if (dynamic_cast<const Busy*>(&error) == nullptr) return std::nullopt;
  return Problem{503, "busy", error.what(), "later"};
}

class PlainServer : public testing::Test {
 protected:
  explicit PlainServer(Deadlines deadlines = {}) : server_(io_.get_executor(), routes(), deadlines, {}, explain) {
    port_ = server_.listen("127.0.0.1", 0).port();
    server_.start();
    thread_ = std::thread([this] { io_.run(); });
  }
  ~PlainServer() override {
    boost::asio::post(io_, [this] { stopper_.spawn("stop", server_.stop()); });
    thread_.join();
  }
  std::uint16_t port() const { return port_; }

 private:
  boost::asio::io_context io_;
  Server server_;
  TaskGroup stopper_{io_.get_executor()};
  std::uint16_t port_ = 0;
  std::thread thread_;
};

TEST_F(PlainServer, Answers500WithoutTellingWhatAHandlerThrew) {
  const test::HttpAnswer answer = test::http_get(port(), "/fail");
  EXPECT_EQ(answer.status, 500U);
  EXPECT_THAT(answer.body, testing::Not(HasSubstr("bug")));
}

TEST_F(PlainServer, AnswersWhatAnExceptionStandsFor) { EXPECT_EQ(test::http_get(port(), "/busy").status, 503U); }

TEST_F(PlainServer, CutsAnAnswerThatBreaksOff) {
  RawConnection connection(port());
  connection.send("GET /break-off HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THROW(connection.answer(), std::runtime_error);
}

TEST_F(PlainServer, TakesChunkedBodiesUpToTheRoutesBound) {
  RawConnection connection(port());
  const std::string post = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  connection.send(post + "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(connection.answer().body, "abcde");
  connection.send(post + "64\r\n" + std::string(100, 'x') + "\r\n1\r\nx\r\n0\r\n\r\n");
  EXPECT_EQ(connection.answer().status, 413U);
}

TEST_F(PlainServer, SaysContinueToWhoAsksBeforeSending) {
  RawConnection connection(port());
  connection.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(connection.answer(true).status, 100U);
  connection.send("abc");
  EXPECT_EQ(connection.answer().body, "abc");
}

TEST_F(PlainServer, RefusesALargeBodyInsteadOfSayingContinue) {
  RawConnection connection(port());
  connection.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(connection.answer().status, 413U);
}

class ImpatientServer : public PlainServer {
 protected:
  ImpatientServer() : PlainServer({milliseconds(20), milliseconds(20), milliseconds(20), milliseconds(20)}) {}
};

TEST_F(ImpatientServer, ClosesAnIdleConnection) { EXPECT_TRUE(RawConnection(port()).closed_by_peer()); }

TEST_F(ImpatientServer, ClosesOnAHeaderThatDoesNotEnd) {
  RawConnection connection(port());
  connection.send("GET /fail HTTP/1.1\r\nHost:");
  EXPECT_TRUE(connection.closed_by_peer());
}

TEST_F(ImpatientServer, ClosesOnABodyThatDoesNotEnd) {
  RawConnection connection(port());
  connection.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na");
  EXPECT_TRUE(connection.closed_by_peer());
}

class StubbornPeers : public PlainServer {
 protected:
  static Deadlines deadlines() {
    Deadlines long_but_for_draining;
    long_but_for_draining.drain = milliseconds(20);
    return long_but_for_draining;
  }
  StubbornPeers() : PlainServer(deadlines()), connection_(port()) {}
  RawConnection connection_;
};

TEST_F(StubbornPeers, AreCutWhenTheServerStops) {
  RawConnection witness(port());
  connection_.send("GET /fail HTTP/1.1\r\nHost:");  // never ends; the fixture's end would wait for ever
  witness.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na");
  EXPECT_EQ(witness.answer().body, "a");
}

}  // namespace
}  // namespace smgate::http
