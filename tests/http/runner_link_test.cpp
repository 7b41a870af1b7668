// Runners' sessions from the outside: who may connect, what a lost connection costs, what an old lease is worth.
#include <gmock/gmock.h>

#include "tests/support/server_fixture.hpp"

namespace smgate::test {
namespace {

using protocol::Ack;
using protocol::Assign;
using protocol::Refuse;
using protocol::Resume;
using testing::HasSubstr;

class RunnerLink : public ServerTest {};

TEST_F(RunnerLink, RefusesAnUnknownTokenWith401) {
  FakeRunner stranger(port(), "smgr_unknown");
  const auto refused = stranger.connect();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 401U);
  EXPECT_EQ(refused->headers.at("content-type"), "application/problem+json");
  EXPECT_THAT(refused->body, HasSubstr("smgate-server token create"));
  EXPECT_EQ(get_json("/api/v1/runners")["runners"].size(), 0U);
}

TEST_F(RunnerLink, RefusesWhoBringsNoTokenOrNoWebSocket) {
  EXPECT_EQ(get("/runner/v1").status, 401U);
  const std::string token = make_token("r1", "sm_89");
  EXPECT_EQ(get("/runner/v1", {{"Authorization", "Bearer " + token}}).status, 426U);
}

TEST_F(RunnerLink, WelcomesARunnerAndShowsItOnline) {
  const auto worker = runner("r1", "sm_89");
  const auto listed = get_json("/api/v1/runners")["runners"].at(0);
  EXPECT_EQ(listed["name"], "r1");
  EXPECT_EQ(listed["online"], true);
  EXPECT_EQ(listed["device"]["emulated"], true);
  worker->socket().drop();
  get_when("/api/v1/runners", [](const auto& answer) { return answer["runners"][0]["online"] == false; });
}

TEST_F(RunnerLink, ClosesOnWhatIsNoHello) {
  FakeRunner worker(port(), make_token("r1", "sm_89"));
  ASSERT_FALSE(worker.connect());
  worker.socket().send("{\"type\": \"nonsense\"}");
  const WebSocketClient::Closed closed = worker.socket().closed();
  EXPECT_EQ(closed.code, 1008U);
  EXPECT_NE(closed.reason, "");
}

TEST_F(RunnerLink, ClosesOnAHelloThatIsNotTheTokens) {
  FakeRunner worker(port(), make_token("r1", "sm_89"));
  EXPECT_THROW(worker.join("r1", "sm_121"), std::runtime_error);
}

TEST_F(RunnerLink, ReplacesAnOlderSessionOfTheSameRunner) {
  const std::string token = make_token("r1", "sm_89");
  FakeRunner older(port(), token);
  older.join("r1", "sm_89");
  FakeRunner newer(port(), token);
  newer.join("r1", "sm_89");
  const WebSocketClient::Closed closed = older.socket().closed();
  EXPECT_EQ(closed.code, 1008U);
  EXPECT_THAT(closed.reason, HasSubstr("newer"));
  push();
  EXPECT_EQ(newer.hear_a<Assign>().arch.value, "sm_89");
}

TEST_F(RunnerLink, GivesTheJobAgainWhereItsRunnerNeverGotIt) {
  const std::string token = make_token("r1", "sm_89");
  FakeRunner first(port(), token);
  first.join("r1", "sm_89");
  push();
  const Assign lost = first.hear_a<Assign>();
  first.socket().drop();
  FakeRunner again(port(), token);
  again.join("r1", "sm_89");  // holds nothing
  const auto jobs =
      get_when("/api/v1/runs", [](const auto& page) { return page["runs"][0]["jobs"][0]["attempt"] == 2; });
  const Assign retried = again.hear_a<Assign>();
  EXPECT_EQ(retried.job, lost.job);
  EXPECT_EQ(retried.attempt, 2);
  EXPECT_NE(retried.lease, lost.lease);
}

TEST_F(RunnerLink, GoesOnWhereALostConnectionLeftOff) {
  const std::string token = make_token("r1", "sm_89");
  FakeRunner first(port(), token);
  first.join("r1", "sm_89");
  push();
  const Assign job = first.hear_a<Assign>();
  first.report(job, 0, protocol::StageBegin{"smoke"});
  first.socket().drop();
  FakeRunner again(port(), token);
  again.join("r1", "sm_89", {{job.job, job.lease}});
  EXPECT_EQ(again.hear_a<Resume>().next_seq, 1U);
  again.say(protocol::Item{job.job, job.lease, 0, protocol::StageBegin{"smoke"}});
  EXPECT_EQ(again.hear_a<Ack>().seq, 0U);  // stored before, acknowledged again
}

TEST_F(RunnerLink, RefusesAReportUnderAnOldLeaseAndStoresNothing) {
  const auto worker = runner("r1", "sm_89");
  push();
  Assign job = worker->hear_a<Assign>();
  worker->report(job, 0, protocol::StageBegin{"smoke"});
  worker->say(protocol::Item{job.job, {"01ARZ3NDEKTSV4RRFFQ69G5FAV"}, 1, protocol::LogChunk{"smoke", "forged"}});
  const Refuse refused = worker->hear_a<Refuse>();
  EXPECT_EQ(refused.job, job.job);
  EXPECT_THAT(refused.reason, HasSubstr("lease"));
  EXPECT_EQ(get("/api/v1/jobs/" + job.job.value + "/log").body, "");
}

TEST_F(RunnerLink, ClosesOnItemsWithAGap) {
  const auto worker = runner("r1", "sm_89");
  push();
  const Assign job = worker->hear_a<Assign>();
  worker->say(protocol::Item{job.job, job.lease, 5, protocol::StageBegin{"smoke"}});
  EXPECT_THAT(worker->socket().closed().reason, HasSubstr("item 5"));
}

}  // namespace
}  // namespace smgate::test
