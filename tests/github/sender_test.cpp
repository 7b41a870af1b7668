// The sender and the client against the fake GitHub: real sockets, a fake clock.
#include "server/sender/sender.hpp"

#include <gtest/gtest.h>

#include "server/store/repositories.hpp"
#include "tests/github/all_requests.hpp"
#include "tests/github/github_fixture.hpp"

namespace smgate::test {
namespace {

using nlohmann::json;
using store::CallKind;
using store::CallState;

class SenderTest : public GithubTest {
 protected:
  void enqueue(CallKind kind, const json& body, const std::string& external_id = "x",
               const std::string& repository = "acme/kernels") {
    store_.write([&](store::Tx& tx) {
      store::enqueue_call(tx, {"lane", kind, repository, external_id, body.dump(), std::nullopt, std::nullopt},
                          clock_.now_ms());
    });
  }
  void enqueue_check(const std::string& status, const std::string& conclusion = "") {
    enqueue(CallKind::set_check, full_check(status, conclusion));
  }
  // It has its token: what it sends next is the call.
  void warm_up() {
    await(client_.send(github::get_pull("acme/kernels", 1), {"acme/kernels", std::nullopt}, 1));
    clock_.advance_ms(github::kBetweenWrites_ms);
  }
  // Works the outbox off, as time passes; the rows, oldest first.
  std::vector<store::Call> send_all() {
    for (int i = 0; i < 100; ++i) {
      await(sender_.step());
      if (store_.read([](store::ReadTx& tx) { return store::count_calls(tx).pending; }) == 0) break;
      clock_.advance_ms(2'000);
    }
    auto calls = store_.read([](store::ReadTx& tx) { return store::list_calls(tx, {}, std::nullopt, 100); });
    std::reverse(calls.begin(), calls.end());
    return calls;
  }

  sender::Sender sender_{store_, client_, clock_};
};

TEST_F(SenderTest, MakesACheckRunAndCompletesTheSameOne) {
  enqueue_check("queued");
  send_all();
  enqueue_check("completed", "success");
  send_all();
  ASSERT_EQ(github_.check_runs().size(), 1U);
  EXPECT_EQ(github_.check_runs()[0]["conclusion"], "success");
}

TEST_F(SenderTest, CreatesNoSecondCheckRunAfterAConnectionWasCut) {
  github_.fail_next({Fault::Kind::cut_after, 0, {}, ""});
  github_.fail_next({Fault::Kind::cut_before, 0, {}, ""});
  enqueue_check("completed", "failure");
  const auto calls = send_all();
  EXPECT_EQ(calls.at(0).state, CallState::sent);
  ASSERT_EQ(github_.check_runs().size(), 1U);
  EXPECT_EQ(github_.check_runs()[0]["conclusion"], "failure");
}

TEST_F(SenderTest, LooksThroughAllPagesForWhatItMayHaveMade) {
  for (const char* earlier : {"a", "b", "c"}) {  // re-runs of the commit
    enqueue(CallKind::set_check, full_check("completed", "failure"), earlier);
    send_all();
  }
  github_.fail_next({Fault::Kind::cut_after, 0, {}, ""});
  enqueue(CallKind::set_check, full_check("completed", "success"), "d");
  EXPECT_EQ(send_all().back().state, CallState::sent);
  EXPECT_EQ(github_.check_runs().size(), 4U);
}

TEST_F(SenderTest, TakesAPageThatIsNotGitHubsForNoAnswer) {
  warm_up();
  github_.fail_next({Fault::Kind::cut_after, 0, {}, ""});
  github_.fail_next({Fault::Kind::answer, 200, {}, "<html>Sign in to the network</html>"});
  enqueue_check("completed", "failure");
  EXPECT_EQ(send_all().back().state, CallState::sent);
  EXPECT_EQ(github_.check_runs().size(), 1U);
}

TEST_F(SenderTest, A422IsAnsweredWithLessUntilTheBareConclusion) {
  github_.fail_next({Fault::Kind::answer, 422, {}, "{}"});
  github_.fail_next({Fault::Kind::answer, 422, {}, "{}"});
  enqueue_check("completed", "failure");
  EXPECT_EQ(send_all().at(0).state, CallState::sent);
  ASSERT_EQ(github_.check_runs().size(), 1U);
  EXPECT_EQ(github_.check_runs()[0]["conclusion"], "failure");
  EXPECT_FALSE(github_.check_runs()[0].contains("output"));
}

TEST_F(SenderTest, LeavesASecondAlsoAfterTheTokenThatItMade) {
  const auto posts = [&] {
    const auto seen = github_.seen();
    return std::count_if(seen.begin(), seen.end(), [](const Seen& it) { return it.method == "POST"; });
  };
  enqueue_check("queued");
  await(sender_.step());
  EXPECT_EQ(posts(), 1) << "the token alone";
  clock_.advance_ms(github::kBetweenWrites_ms - 1);
  await(sender_.step());
  EXPECT_EQ(posts(), 1);
  clock_.advance_ms(1);
  await(sender_.step());
  EXPECT_EQ(posts(), 2);
  EXPECT_EQ(github_.check_runs().size(), 1U);
}

TEST_F(SenderTest, WaitsTwiceAsLongForEachLimitThatNamesNoTime) {
  warm_up();
  const Fault limited{Fault::Kind::answer, 403, {}, R"({"message": "You have exceeded a secondary rate limit."})"};
  enqueue_check("queued");
  for (const std::int64_t pause_ms : {60'000, 120'000, 240'000}) {
    github_.fail_next(limited);
    await(sender_.step());
    EXPECT_EQ(client_.earliest_ms(github::Effect::read), clock_.now_ms() + pause_ms);
    clock_.advance_ms(pause_ms);
  }
  await(sender_.step());
  ASSERT_EQ(github_.check_runs().size(), 1U);
  github_.fail_next(limited);
  enqueue_check("completed", "success");
  clock_.advance_ms(2'000);
  await(sender_.step());
  EXPECT_EQ(client_.earliest_ms(github::Effect::read), clock_.now_ms() + 60'000) << "the row of limits had ended";
}

TEST_F(SenderTest, WaitsAsLongAsASecondaryLimitSays) {
  warm_up();
  github_.fail_next({Fault::Kind::answer, 403, {{"retry-after", "120"}}, R"({"message": "secondary rate limit"})"});
  enqueue_check("queued");
  await(sender_.step());
  const std::size_t before = github_.seen().size();
  clock_.advance_ms(119'000);
  EXPECT_FALSE(await(sender_.step()));
  EXPECT_EQ(github_.seen().size(), before);
  clock_.advance_ms(1'000);
  EXPECT_TRUE(await(sender_.step()));
  EXPECT_EQ(github_.check_runs().size(), 1U);
}

TEST_F(SenderTest, RenewsATokenThatExpiresOrIsRefused) {
  enqueue_check("queued");
  send_all();
  clock_.advance_ms(3'400'000);
  enqueue_check("in_progress");
  send_all();
  github_.refuse_tokens();
  enqueue_check("completed", "success");
  EXPECT_EQ(send_all().back().state, CallState::sent);
  const auto seen = github_.seen();
  EXPECT_EQ(std::count_if(seen.begin(), seen.end(), [](const Seen& it) { return it.status == 401; }), 1);
  EXPECT_EQ(github_.check_runs().at(0)["status"], "completed");
}

TEST_F(SenderTest, MakesAnotherCheckRunWhereGitHubDeletedIt) {
  enqueue_check("queued");
  send_all();
  github_.delete_check_runs();
  enqueue_check("completed", "success");
  send_all();
  ASSERT_EQ(github_.check_runs().size(), 1U);
  EXPECT_EQ(github_.check_runs()[0]["conclusion"], "success");
}

TEST_F(SenderTest, AppendsNoAnnotationAndWritesNoCommentTwice) {
  enqueue_check("completed", "failure");
  send_all();
  github_.fail_next({Fault::Kind::cut_after, 0, {}, ""});
  enqueue(CallKind::add_annotations, fifty_annotations());
  send_all();
  github_.fail_next({Fault::Kind::cut_after, 0, {}, ""});
  enqueue(CallKind::create_comment, {{"issue_number", 7}, {"body", "why"}}, "c");
  send_all();
  EXPECT_EQ(github_.check_runs().at(0)["output"]["annotations_count"], 50);
  EXPECT_EQ(github_.comments().size(), 1U);
}

TEST_F(SenderTest, FollowsARenamedRepositoryAndSendsTheTokenToNoOtherHost) {
  enqueue(CallKind::set_check, full_check("queued", ""), "x", "renamed/kernels");
  send_all();
  EXPECT_EQ(github_.check_runs().size(), 1U);
  FakeGitHub other(clock_);
  clock_.advance_ms(2'000);
  github_.fail_next({Fault::Kind::answer, 302, {{"location", other.url() + "/repos/a/b/check-runs"}}, ""});
  enqueue(CallKind::set_check, full_check("queued", ""), "y");
  await(sender_.step());
  clock_.advance_ms(2'000);
  await(sender_.step());
  ASSERT_FALSE(other.seen().empty());
  for (const Seen& seen : other.seen()) EXPECT_EQ(seen.authorization, "");
}

TEST_F(SenderTest, ReadsAllPagesUntilItIsEnough) {
  for (int i = 0; i < 5; ++i) {
    enqueue(CallKind::create_comment, {{"issue_number", 7}, {"body", "why"}}, std::to_string(i));
    send_all();
  }
  const github::Target target{"acme/kernels", std::nullopt};
  const auto pages = [&](int pages_max, std::size_t enough) {
    std::size_t count = 0;
    github::OnPage more = [&count, enough](const json&) { return ++count < enough; };
    await(client_.each_page(github::list_comments("acme/kernels", 7, 0), target, pages_max, std::move(more)));
    return count;
  };
  EXPECT_EQ(pages(10, 10), 3U);
  EXPECT_EQ(pages(2, 10), 2U);
  EXPECT_EQ(pages(10, 1), 1U);
}

TEST_F(SenderTest, KeepsToTheLimitsAcrossARestart) {
  enqueue_check("queued");
  send_all();
  github::Client client(settings(github_, true), clock_, github::make_transport(io_.get_executor(), ""));
  sender::Sender restarted(store_, client, clock_);
  enqueue_check("completed", "success");
  EXPECT_FALSE(await(restarted.step())) << "less than a second after the last write";
  clock_.advance_ms(github::kBetweenWrites_ms);
  EXPECT_TRUE(await(restarted.step())) << "its token";
  clock_.advance_ms(github::kBetweenWrites_ms);
  EXPECT_TRUE(await(restarted.step()));
  EXPECT_EQ(github_.check_runs()[0]["conclusion"], "success");
}

TEST_F(SenderTest, AsksForATokenThatReadsOneRepository) {
  const auto answer = await(client_.contents_token({"acme/kernels", std::nullopt}));
  ASSERT_TRUE(std::holds_alternative<github::Token>(answer));
  const auto& token = std::get<github::Token>(answer);
  EXPECT_EQ(token.secret.reveal(), "ghs_1_narrow");
  EXPECT_EQ(token.expires_ms, clock_.now_ms() + 3'600'000);
  const json asked = json::parse(github_.seen().back().body);
  EXPECT_EQ(asked, (json{{"repositories", {"kernels"}}, {"permissions", {{"contents", "read"}}}}));
}

TEST_F(SenderTest, WritesCommitStatusesWhereThereIsATokenAlone) {
  github::Client client(settings(github_, false), clock_, github::make_transport(io_.get_executor(), ""));
  sender::Sender sender(store_, client, clock_);
  enqueue_check("completed", "success");
  await(sender.step());
  ASSERT_EQ(github_.statuses().size(), 1U);
  EXPECT_EQ(github_.statuses()[0]["state"], "success");
}

}  // namespace
}  // namespace smgate::test
