// Live events: what comes, and what comes again after a reader was away.
#include <gmock/gmock.h>

#include "tests/http/judged_job.hpp"

namespace smgate::test {
namespace {

using testing::HasSubstr;

class Events : public JudgedTest {
 protected:
  static std::string ask(const std::string& target, const std::string& last = "") {
    return "GET " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" +
           (last.empty() ? "" : "Last-Event-ID: " + last + "\r\n") + "\r\n";
  }
};

TEST_F(Events, TellsEveryChangeFromNowOn) {
  RawConnection stream(port());
  stream.send(ask("/api/v1/events"));
  EXPECT_THAT(stream.read_until("event: hello\n"), HasSubstr("text/event-stream"));
  const std::string run = judged_run("healthy", "d-1");
  EXPECT_THAT(stream.read_until("\"verdict\":\"pass\""), HasSubstr(run));
}

TEST_F(Events, GoesOnBehindTheLastOneThatCame) {
  const std::string run = judged_run("healthy", "d-1");
  RawConnection stream(port());
  stream.send(ask("/api/v1/events", "0"));
  EXPECT_THAT(stream.read_until("event: run\n"), HasSubstr("event: job\n"));  // the run's verdict came last
  RawConnection late(port());
  late.send(ask("/api/v1/events", "1000000"));  // of another life of the server
  late.read_until("event: reset\n");
}

TEST_F(Events, FollowsAJobToItsEnd) {
  const std::string job = job_of(judged_run("healthy", "d-1"));
  RawConnection stream(port());
  stream.send(ask("/api/v1/jobs/" + job + "/stream"));
  const std::string all = stream.read_until("event: end\n");
  EXPECT_THAT(all, HasSubstr("event: job\ndata: {"));
  EXPECT_THAT(all, HasSubstr("event: curve\ndata: {"));
  EXPECT_THAT(all, HasSubstr("event: log\ndata: {\"attempt\":1,\"begin\":0,\"end\":7}"));
  stream.read_until("data: {}\n\n");
  EXPECT_TRUE(stream.closed_by_peer());
}

TEST_F(Events, SendsOnlyTheRestOfAJob) {
  const std::string job = job_of(judged_run("healthy", "d-1"));
  RawConnection stream(port());
  stream.send(ask("/api/v1/jobs/" + job + "/stream", "1-3-7-done"));
  const std::string rest = stream.read_until("event: end\n");
  EXPECT_THAT(rest, HasSubstr("\"first\":3,"));
  EXPECT_THAT(rest, testing::Not(HasSubstr("event: log")));
  EXPECT_THAT(rest, testing::Not(HasSubstr("event: job")));
  EXPECT_EQ(http_get(port(), "/api/v1/jobs/" + job + "/stream", {{"Last-Event-ID", "odd"}}).status, 400U);
}

TEST_F(Events, EndWhenTheServerStops) {
  RawConnection stream(port());
  stream.send(ask("/api/v1/events"));
  stream.read_until("data: {}\n\n");
  stop();
  EXPECT_TRUE(stream.closed_by_peer());
}

}  // namespace
}  // namespace smgate::test
