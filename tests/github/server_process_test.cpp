// The shipped server, as a process, configured with an App, between a GitHub and a runner: whatever is killed or away
// on the way, the checks of the commit end completed, with the right conclusion, each made once.
#include "tests/support/server_process.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <map>
#include <set>

#include "common/digest.hpp"
#include "common/file.hpp"
#include "server/store/crash_points.hpp"
#include "tests/support/fake_github.hpp"
#include "tests/support/server_fixture.hpp"

namespace smgate::test {
namespace {

using nlohmann::json;

json config(const Scratch& scratch, const GitRepository& repository, const FakeGitHub& github) {
  std::ofstream(scratch / "app.pem") << github.private_key();
  return {
      {"data_folder", (scratch / "server").string()},
      {"webhook_secret", kSecret},
      {"emulated_satisfies_required", true},
      {"repositories", {{{"name", kRepository}, {"clone_url", repository.url()}}}},
      {"github",
       {{"api_url", github.url()}, {"client_id", "Iv1.fake"}, {"private_key_file", (scratch / "app.pem").string()}}},
      {"limits", {{"recovery_ms", 1'000}}},
      {"log_level", "warn"}};
}

bool all_completed(const FakeGitHub::State& github) {
  const std::vector<json>& runs = github.check_runs;
  return runs.size() >= 2 &&
         std::all_of(runs.begin(), runs.end(), [](const json& run) { return run["status"] == "completed"; });
}

class ServerProcessTest : public testing::Test {
 protected:
  ServerProcessTest() {
    token_ = server_.make_token("r1", "sm_89");
    commit_ = repository_.commit(
        {{".smgate.json",
          json{{"version", 1},
               {"architectures", {"sm_89"}},
               {"stages", {{{"name", "smoke"}, {"command", {"./smoke"}}, {"contract", "both"}, {"timeout_s", 60}}}}}
              .dump()}});
  }
  ~ServerProcessTest() override { EXPECT_EQ(github_.mistakes(), std::vector<std::string>{}); }

  std::string push_payload() const {
    return json{{"ref", "refs/heads/main"},
                {"before", std::string(40, '0')},
                {"after", commit_.value},
                {"deleted", false},
                {"repository",
                 {{"full_name", kRepository},
                  {"clone_url", "https://github.invalid/acme/kernels.git"},
                  {"default_branch", "main"},
                  {"pushed_at", clock_.now_ms() / 1000}}}}
        .dump();
  }
  static std::string comment(const std::string& login, const std::string& body, const json& repository) {
    return json{{"action", "created"},
                {"issue", {{"number", 7}, {"pull_request", json::object()}}},
                {"comment",
                 {{"body", body},
                  {"author_association", "MEMBER"},
                  {"created_at", "2026-05-20T06:00:00Z"},
                  {"user", {{"login", login}}}}},
                {"repository", repository}}
        .dump();
  }
  void deliver(const std::string& event, const std::string& body, const std::string& guid) {
    const Headers headers{{"Content-Type", "application/json"},
                          {"X-GitHub-Event", event},
                          {"X-GitHub-Delivery", guid},
                          {"X-Hub-Signature-256", "sha256=" + hmac_sha256_hex(kSecret, body)}};
    EXPECT_EQ(http_request(server_.port(), "POST", "/webhooks/github", headers, body).status, 202U);
  }
  // A runner that reports this case as its job; `before_end`, when all but the end of it was reported.
  void do_the_job(
      const std::string& which, const std::function<void()>& before_end = [] {}) {
    FakeRunner runner(server_.port(), token_);
    runner.join("r1", "sm_89");
    const auto job = runner.hear_a<protocol::Assign>();
    const std::string file = std::string(SMGATE_SOURCE_DIR) + "/tests/contract/cases/" + which + ".jsonl";
    runner.report(job, 0, protocol::StageBegin{"smoke"});
    runner.report(job, 1, protocol::EventChunk{"1.jsonl", read_file(file, 1U << 20U).value()});
    runner.report(job, 2, protocol::StageEnd{"smoke", protocol::StageOutcome::succeeded, 0, 0, 12});
    before_end();
    runner.report(job, 3, protocol::Finished{protocol::JobOutcome::completed, ""});
  }
  void expect_conclusion(const std::string& conclusion) {
    EXPECT_TRUE(github_.wait_for(all_completed));
    std::multiset<std::string> names;
    for (const json& run : github_.check_runs()) {
      EXPECT_EQ(run["conclusion"], conclusion);
      EXPECT_EQ(run["head_sha"], commit_.value);
      names.insert(run["name"]);
    }
    EXPECT_EQ(names, (std::multiset<std::string>{"smgate", "smgate / sm_89"}));
  }

  Scratch scratch_;
  SystemClock clock_;
  FakeGitHub github_{clock_};
  GitRepository repository_{scratch_ / "repository"};
  ServerProcess server_{scratch_, config(scratch_, repository_, github_)};
  std::string token_;
  CommitSha commit_;
};

TEST_F(ServerProcessTest, CompletesTheChecksOfAPush) {
  server_.start();
  deliver("push", push_payload(), "d-1");
  do_the_job("collided");
  expect_conclusion("failure");
  EXPECT_EQ(server_.stop(), 0);
}

TEST_F(ServerProcessTest, CompletesThemAfterAnOutageInWhichItWasKilled) {
  server_.start();
  deliver("push", push_payload(), "d-1");
  do_the_job("healthy", [&] {
    EXPECT_TRUE(github_.wait_for([](const FakeGitHub::State& it) { return it.check_runs.size() == 2; }));
    github_.set_down(true);
  });
  EXPECT_TRUE(github_.wait_for([](const FakeGitHub::State& it) { return it.seen.back().status == 0; }));
  server_.kill_hard();
  server_.start();
  github_.set_down(false);
  expect_conclusion("success");
}

TEST_F(ServerProcessTest, GatesAPushWhoseWebhookNeverCame) {
  HookAttempt failed;
  failed.guid = "d-1";
  failed.event = "push";
  failed.status_code = 502;
  failed.body = push_payload();
  github_.sent(failed);
  server_.start(std::string(store::kAskedAgain));
  EXPECT_EQ(server_.wait(), 128 + SIGKILL);
  server_.start();
  EXPECT_TRUE(github_.wait_for([](const FakeGitHub::State& it) { return !it.asked.empty(); }));
  for (const HookAttempt& asked : github_.take_asked()) deliver(asked.event, asked.body, asked.guid);
  do_the_job("healthy");
  expect_conclusion("success");
  EXPECT_TRUE(github_.take_asked().empty());
}

TEST_F(ServerProcessTest, GatesAPullRequestThatNoWebhookToldOf) {
  const CommitSha base = std::exchange(commit_, repository_.commit({{"file", "text"}}));
  repository_.git({"update-ref", "refs/pull/7/head", commit_.value});
  const std::string now = to_rfc3339_seconds(clock_.now_ms());
  github_.set_pulls({pull_item(7, commit_.value, base.value, now)});
  server_.start(std::string(store::kHeadsTold));
  EXPECT_EQ(server_.wait(), 128 + SIGKILL);
  server_.start();
  do_the_job("healthy");
  expect_conclusion("success");
}

// By a comment, whose author GitHub is asked about: held, refused to a reader, run for a maintainer.
TEST_F(ServerProcessTest, RunsAForksHeadWhenAMaintainerSaysSo) {
  const CommitSha base = std::exchange(commit_, repository_.commit({{"file", "text"}}));
  repository_.git({"update-ref", "refs/pull/7/head", commit_.value});
  github_.set_permission("reader", "read");
  github_.set_permission("ada", "write");
  server_.start();
  json pull = pull_item(7, commit_.value, base.value, "2026-05-20T05:05:30Z", "stranger/kernels");
  const json repository = pull["base"]["repo"];
  deliver("pull_request",
          json{{"action", "opened"}, {"number", 7}, {"pull_request", pull}, {"repository", repository}}.dump(), "d-1");
  EXPECT_TRUE(github_.wait_for([](const FakeGitHub::State& it) {
    return it.check_runs.size() == 1 && it.check_runs[0]["conclusion"] == "action_required";
  }));
  for (const char* login : {"reader", "ada"})
    deliver("issue_comment", comment(login, "/smgate approve", repository), login);
  do_the_job("healthy");
  // Of each name the newest: what was completed as held is made anew, unless all is over before that is told.
  EXPECT_TRUE(github_.wait_for([](const FakeGitHub::State& it) {
    std::map<std::string, json> newest;
    for (const json& check : it.check_runs) newest[check["name"]] = check["conclusion"];
    return newest == std::map<std::string, json>{{"smgate", "success"}, {"smgate / sm_89", "success"}};
  }));
  const json runs = json::parse(http_request(server_.port(), "GET", "/api/v1/runs", {}, "").body)["runs"];
  const json run =
      json::parse(http_request(server_.port(), "GET", "/api/v1/runs/" + runs[0]["id"].get<std::string>(), {}, "").body);
  EXPECT_THAT(run.dump(), testing::HasSubstr("\"ada\""));
  EXPECT_THAT(run.dump(), testing::Not(testing::HasSubstr("reader")));
}

class KilledServerTest : public ServerProcessTest, public testing::WithParamInterface<std::string_view> {};

TEST_P(KilledServerTest, MakesEachCheckOnce) {
  server_.start(std::string(GetParam()));
  deliver("push", push_payload(), "d-1");
  EXPECT_EQ(server_.wait(), 128 + SIGKILL);
  server_.start();
  do_the_job("healthy");
  expect_conclusion("success");
}

INSTANTIATE_TEST_SUITE_P(Outbox, KilledServerTest,
                         testing::Values(store::kCallsWritten, store::kCallBegun, store::kCallAnswered));

// The rest of the points is gone through where no GitHub is needed.
TEST(CrashPoints, OfTheOutboxAndTheRecoveryAreAllHere) {
  const std::set<std::string_view> here{store::kCallsWritten, store::kCallBegun, store::kCallAnswered,
                                        store::kAskedAgain, store::kHeadsTold};
  std::set<std::string_view> named;
  for (const std::string_view point : store::kCrashPoints)
    for (const char* stage : {"reporter.", "sender.", "recovery."})
      if (point.starts_with(stage)) named.insert(point);
  EXPECT_EQ(named, here);
}

}  // namespace
}  // namespace smgate::test
