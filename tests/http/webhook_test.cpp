// POST /webhooks/github from the outside: what is refused leaves nothing behind, what is answered 202 is there.
#include <gmock/gmock.h>

#include "common/digest.hpp"
#include "server/http/server.hpp"
#include "tests/support/server_fixture.hpp"

namespace smgate::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class Webhook : public ServerTest {
 protected:
  // Nothing waits and no run is there. A ping passes through the same queue, so what came before it is done.
  void expect_nothing_stored() {
    EXPECT_EQ(run_count(), 0U);
    EXPECT_THAT(get("/metrics").body, HasSubstr("\nsmgate_deliveries_pending 0\n"));
  }
};

TEST_F(Webhook, WithAWrongSignatureIs401) {
  const std::string body = push_payload(CommitSha{std::string(40, 'a')});
  const HttpAnswer answer = deliver("push", body, "d-1", "sha256=" + hmac_sha256_hex("another secret", body));
  EXPECT_EQ(answer.status, 401U);
  EXPECT_THAT(answer.body, HasSubstr("urn:smgate:problem:wrong-signature"));
  expect_nothing_stored();
}

TEST_F(Webhook, WithoutAHeaderIs400) {
  const std::string body = push_payload(CommitSha{std::string(40, 'a')});
  EXPECT_THAT(deliver("", body, "d-1").body, HasSubstr("X-GitHub-Event"));
  EXPECT_THAT(deliver("push", body, "").body, HasSubstr("X-GitHub-Delivery"));
  const HttpAnswer unsigned_answer = http_request(port(), "POST", "/webhooks/github",
                                                  {{"X-GitHub-Event", "push"}, {"X-GitHub-Delivery", "d-1"}}, body);
  EXPECT_EQ(unsigned_answer.status, 400U);
  EXPECT_THAT(unsigned_answer.body, HasSubstr("X-Hub-Signature-256"));
  expect_nothing_stored();
}

TEST_F(Webhook, WithBrokenJsonIs400) {
  EXPECT_EQ(deliver("push", "{\"ref\": ", "d-1").status, 400U);
  EXPECT_EQ(deliver("push", "[]", "d-2").status, 400U);
  expect_nothing_stored();
}

TEST_F(Webhook, WithoutTheFieldsOfItsEventIs400) {
  const HttpAnswer answer = deliver("push", R"({"ref": "refs/heads/main"})", "d-1");
  EXPECT_EQ(answer.status, 400U);
  EXPECT_THAT(answer.body, HasSubstr("/after"));
  expect_nothing_stored();
}

TEST_F(Webhook, Of26MiBIs413BeforeItIsRead) {
  RawConnection connection(port());
  connection.send("POST /webhooks/github HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(26U << 20U) +
                  "\r\n\r\n");
  const HttpAnswer answer = connection.answer();  // not a byte of the body was sent
  EXPECT_EQ(answer.status, 413U);
  EXPECT_EQ(answer.headers.at("connection"), "close");
  expect_nothing_stored();
}

TEST_F(Webhook, Of26MiBThatAreSentAllTheSameIs413) {
  EXPECT_EQ(deliver("push", std::string(26U << 20U, ' '), "d-1").status, 413U);
  expect_nothing_stored();
}

TEST_F(Webhook, Of26MiBInChunksIs413) {
  RawConnection connection(port());
  connection.send("POST /webhooks/github HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "100000\r\n" + std::string(1U << 20U, ' ') + "\r\n";
  for (int i = 0; i < 26; ++i) connection.send(chunk);
  EXPECT_EQ(connection.answer().status, 413U);
  expect_nothing_stored();
}

TEST_F(Webhook, ThatIsAPingOrUnknownIsAnsweredWithTheReason) {
  for (const char* event : {"ping", "star"}) {
    const HttpAnswer answer = deliver(event, R"({"zen": "Keep it logically awesome."})", event);
    EXPECT_EQ(answer.status, 200U);
    EXPECT_EQ(json::parse(answer.body)["status"], "ignored");
    EXPECT_FALSE(json::parse(answer.body)["reason"].get<std::string>().empty());
  }
  expect_nothing_stored();
}

TEST_F(Webhook, OfARepositoryThatIsNotOursDoesNothing) {
  json payload = json::parse(push_payload(CommitSha{std::string(40, 'a')}));
  payload["repository"]["full_name"] = "mallory/miner";
  const HttpAnswer answer = deliver("push", payload.dump(), "d-1");
  EXPECT_EQ(answer.status, 200U);
  EXPECT_THAT(json::parse(answer.body)["reason"], HasSubstr("mallory/miner"));
  expect_nothing_stored();
}

TEST_F(Webhook, ThatComesTwiceMakesOneRun) {
  const auto worker = runner("r1", "sm_89");
  const CommitSha commit = push("sm_89", "d-1");
  const auto job = worker->hear_a<protocol::Assign>();  // so the first one is worked off
  EXPECT_EQ(job.commit, commit);
  const HttpAnswer again = deliver("push", push_payload(commit), "d-1");
  EXPECT_EQ(again.status, 202U);
  EXPECT_EQ(json::parse(again.body)["status"], "known");
  const json run = get_json("/api/v1/runs")["runs"].at(0);
  EXPECT_EQ(json::parse(again.body)["run"], run["id"]);
  EXPECT_EQ(run_count(), 1U);
}

}  // namespace
}  // namespace smgate::test
