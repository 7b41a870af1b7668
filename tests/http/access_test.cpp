// Who may ask, who may do, and what is noted of it.
#include <gmock/gmock.h>

#include "tests/http/judged_job.hpp"

namespace smgate::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class Access : public JudgedTest {};

class ClosedAccess : public JudgedTest {
 protected:
  ClosedAccess() : JudgedTest(true) {}
};

TEST_F(Access, NeedsTheScopeForWhatChangesSomething) {
  const std::string address = "/api/v1/runs/" + judged_run("healthy", "d-1") + "/rerun";
  EXPECT_EQ(http_request(port(), "POST", address).status, 401U);
  EXPECT_EQ(post(address, "smga_unknown").status, 401U);
  EXPECT_EQ(post(address, make_api_token("reader", {"read"})).status, 403U);
  EXPECT_EQ(post(address, make_api_token("ci", {"rerun"})).status, 200U);
}

TEST_F(Access, RunsAgainAndKeepsTheVerdictBefore) {
  const std::string run = judged_run("healthy", "d-1");
  const std::string token = make_api_token("ci", {"read", "rerun", "cancel"});
  EXPECT_EQ(post("/api/v1/runs/" + run + "/rerun", token).status, 200U);
  EXPECT_EQ(worker_->hear_a<protocol::Assign>().attempt, 2);
  const json again = get_json("/api/v1/runs/" + run);
  EXPECT_EQ(again["history"][0]["verdict"], "pass");
  EXPECT_EQ(again["actions"][0]["actor"], "token ci");
  EXPECT_EQ(again["jobs"][0]["stats"], nullptr);
  EXPECT_EQ(post("/api/v1/jobs/" + job_of(run) + "/rerun", token).status, 409U);  // it runs
  EXPECT_EQ(post("/api/v1/runs/" + run + "/cancel", token).status, 200U);
  EXPECT_EQ(worker_->hear_a<protocol::Cancel>().job.value, job_of(run));
}

TEST_F(Access, NotesWhatWasAskedForAndWhatWasRefused) {
  const std::string run = judged_run("healthy", "d-1");
  const std::string token = make_api_token("ci", {"read", "cancel"});
  EXPECT_EQ(post("/api/v1/runs/" + run + "/cancel", token).status, 409U);
  EXPECT_EQ(get("/api/v1/audit").status, 401U);
  const json audit = json::parse(get("/api/v1/audit", {{"Authorization", "Bearer " + token}}).body);
  ASSERT_EQ(audit["entries"].size(), 1U);
  EXPECT_EQ(audit["entries"][0]["token"], "ci");
  EXPECT_EQ(audit["entries"][0]["target"], run);
  EXPECT_EQ(audit["entries"][0]["done"], false);
  EXPECT_EQ(audit["entries"][0]["run"]["id"], run);
  EXPECT_EQ(audit["entries"][0]["run"]["arch"], nullptr);
}

TEST_F(Access, FindsWhatWasAskedForByTokenAndAction) {
  const std::string run = judged_run("healthy", "d-1");
  const std::string ci = make_api_token("ci", {"read", "cancel", "rerun"});
  EXPECT_EQ(post("/api/v1/runs/" + run + "/cancel", ci).status, 409U);
  EXPECT_EQ(post("/api/v1/jobs/" + job_of(run) + "/rerun", ci).status, 200U);
  EXPECT_EQ(post("/api/v1/runners/r1/drain", make_api_token("ops", {"drain"})).status, 200U);
  const auto audit = [&](const std::string& query) {
    return json::parse(get("/api/v1/audit" + query, {{"Authorization", "Bearer " + ci}}).body);
  };
  const json mine = audit("?token=ci&limit=1");
  EXPECT_EQ(mine["entries"][0]["run"]["arch"], "sm_89");
  const std::string next = mine["next"];
  EXPECT_EQ(audit(next.substr(next.find('?')))["entries"][0]["action"], "cancel");
  const json drains = audit("?action=drain");
  ASSERT_EQ(drains["entries"].size(), 1U);
  EXPECT_EQ(drains["entries"][0]["token"], "ops");
  EXPECT_EQ(drains["entries"][0]["run"], nullptr);
  EXPECT_EQ(get("/api/v1/audit?action=erase", {{"Authorization", "Bearer " + ci}}).status, 400U);
}

TEST_F(Access, DrainsARunnerAndSaysWhyJobsWait) {
  worker_ = runner("r1", "sm_89");
  const std::string token = make_api_token("ops", {"drain"});
  EXPECT_EQ(post("/api/v1/runners/r1/drain", token).status, 200U);
  EXPECT_EQ(get_json("/api/v1/runners")["runners"][0]["drained"], true);
  push();
  const auto waits = [](const json& queue) { return queue["total"] == 1; };
  EXPECT_EQ(get_when("/api/v1/queue", waits)["jobs"][0]["reason"]["kind"], "draining");
  EXPECT_EQ(post("/api/v1/runners/r1/undrain", token).status, 200U);
  worker_->hear_a<protocol::Assign>();
  EXPECT_EQ(post("/api/v1/runners/nobody/drain", token).status, 409U);
}

TEST_F(Access, PagesTheQueueAndTheRunners) {
  for (const char* name : {"r1", "r2", "r3"}) make_token(name, "sm_90");
  const json runners = get_json("/api/v1/runners?limit=2");
  EXPECT_EQ(runners["runners"][1]["name"], "r2");
  const json last = get_json(runners["next"].get<std::string>());
  EXPECT_EQ(last["runners"][0]["name"], "r3");
  EXPECT_EQ(last["next"], nullptr);

  for (const char* delivery : {"d-1", "d-2", "d-3"}) push("sm_89", delivery);
  get_when("/api/v1/queue", [](const json& queue) { return queue["total"] == 3; });
  const json first = get_json("/api/v1/queue?limit=2");
  EXPECT_EQ(first["jobs"].size(), 2U);
  const json rest = get_json(first["next"].get<std::string>());
  ASSERT_EQ(rest["jobs"].size(), 1U);
  EXPECT_EQ(rest["next"], nullptr);
  EXPECT_GE(rest["jobs"][0]["queued_at"], first["jobs"][1]["queued_at"]);
  const std::string run = rest["jobs"][0]["run"];
  EXPECT_EQ(get_json("/api/v1/queue?run=" + run)["jobs"], rest["jobs"]);
  for (const char* wrong : {"after=yesterday", "after=1-2", "run=newest", "limit=0"})
    EXPECT_EQ(get(std::string("/api/v1/queue?") + wrong).status, 400U) << wrong;
}

TEST_F(Access, ApprovesOnlyACommitThatIsNamed) {
  const std::string run = judged_run("healthy", "d-1");
  const std::string token = make_api_token("ops", {"approve"});
  EXPECT_EQ(post("/api/v1/runs/" + run + "/approve", token, "{}").status, 400U);
  const HttpAnswer refused =
      post("/api/v1/runs/" + run + "/approve", token, R"({"commit":")" + std::string(40, 'a') + R"("})");
  EXPECT_EQ(refused.status, 409U);
}

TEST_F(ClosedAccess, ShowsNothingWithoutAToken) {
  for (const char* target : {"/api/v1/runs", "/api/v1/board", "/api/v1/events", "/badge/acme/kernels/main.svg"})
    EXPECT_EQ(http_get(port(), target).status, 401U) << target;
  const std::string token = "Bearer " + make_api_token("reader", {"read"});
  EXPECT_EQ(get("/api/v1/runs", {{"Authorization", token}}).status, 200U);
  EXPECT_EQ(get("/healthz").status, 200U);
}

}  // namespace
}  // namespace smgate::test
