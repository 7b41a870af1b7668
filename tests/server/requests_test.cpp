// Merge groups, buttons of checks, comments, installations: what they do to the rows.
#include <gmock/gmock.h>

#include "server/intake/intake.hpp"
#include "server/sender/plan.hpp"
#include "server/store/actions.hpp"
#include "server/store/heads.hpp"
#include "server/store/outbox.hpp"
#include "tests/server/payloads.hpp"

namespace smgate::intake {
namespace {

using nlohmann::json;
using store::RunState;

const std::string kA(40, 'a'), kB(40, 'b'), kC(40, 'c');

struct Requests : testing::Test, test::Rows {
  int deliveries = 0;
  std::string permission = "write";  // what GitHub says of whom it is asked about

  Processed accept(const store::Delivery& delivery) {
    write([&](store::Tx& tx) { return accept_delivery(tx, delivery); });
    return write([&](store::Tx& tx) { return process_next_delivery(tx, now_ms, random).value(); });
  }
  // To the end: where GitHub is asked meanwhile, what its answer does.
  Processed deliver(const std::string& event, json payload) {
    if (!payload.contains("repository")) payload["repository"] = test::repository_json();
    payload["sender"] = {{"login", "ada"}};
    Processed done = accept({DeliveryId{"d-" + std::to_string(++deliveries)}, event, payload.dump(), now_ms});
    const auto call = write([&](store::Tx& tx) { return store::begin_next_call(tx, now_ms); });
    if (!call) return done;
    EXPECT_FALSE(done.run);
    const github::Answer answer{200, {}, json{{"permission", permission}}.dump()};
    const auto finish = std::get<sender::Finish>(sender::conclude({*call, {}}, github::Done{}, answer, false, now_ms));
    write([&](store::Tx& tx) { store::finish_call(tx, call->seq, {}, now_ms); });
    return accept(finish.told.value());
  }
  Processed pull(const std::string& action, const std::string& head, int second, bool fork = false) {
    test::PullSpec spec{action, 7, head};
    spec.updated_at = "2026-05-20T05:05:" + std::to_string(30 + second) + "Z";
    if (fork) spec.head_repository = "stranger/kernels";
    return deliver("pull_request", test::pull_json(spec));
  }
  Processed group(const std::string& action) {
    return deliver("merge_group",
                   {{"action", action},
                    {"reason", "dequeued"},
                    {"merge_group",
                     {{"head_sha", kC}, {"base_sha", kB}, {"head_ref", "refs/heads/gh-readonly-queue/main/pr-7-x"}}}});
  }
  Processed press(const std::string& button, const std::string& check, const std::string& head) {
    return deliver("check_run", {{"action", "requested_action"},
                                 {"requested_action", {{"identifier", button}}},
                                 {"check_run", {{"name", check}, {"head_sha", head}}}});
  }
  Processed comment(const std::string& body, const std::string& association = "MEMBER",
                    const std::string& minute = "10") {
    return deliver("issue_comment", {{"action", "created"},
                                     {"issue", {{"number", 7}, {"pull_request", json::object()}}},
                                     {"comment",
                                      {{"body", body},
                                       {"author_association", association},
                                       {"created_at", "2026-05-20T05:" + minute + ":00Z"},
                                       {"user", {{"login", "ada"}}}}}});
  }
  void fail(const RunId& id) {
    write([&](store::Tx& tx) { return store::end_run(tx, id, store::RunVerdict::fail, "x", "no", now_ms); });
  }
  RunState state(const Processed& done) { return run(done.run.value()).state; }
};

TEST_F(Requests, RunAMergeGroupAgainstItsBase) {
  const Processed asked = group("checks_requested");
  EXPECT_EQ(run(*asked.run).base_sha.value, kB);
  EXPECT_EQ(run(*asked.run).head_sha.value, kC);
  EXPECT_TRUE(asked.fetch);
  group("destroyed");
  EXPECT_EQ(state(asked), RunState::cancelled);
}

TEST_F(Requests, DoNotRunAMergeGroupWhoseEndCameFirst) {
  group("destroyed");
  const Processed late = group("checks_requested");
  EXPECT_FALSE(late.run) << late.outcome;
}

TEST_F(Requests, RunAFailedCommitAgainAtItsButton) {
  const Processed opened = pull("opened", kA, 0);
  fail(*opened.run);
  EXPECT_EQ(press("rerun", "smgate", kA).run, opened.run);
  EXPECT_EQ(state(opened), RunState::fetching);
  EXPECT_FALSE(press("rerun", "smgate", kA).run) << "it is not over";
  EXPECT_FALSE(press("rerun", "linter", kA).run) << "not our check";
  EXPECT_FALSE(press("rerun", "smgate", kC).run) << "no such run";
}

TEST_F(Requests, ApproveTheVeryHeadThatTheButtonWasOn) {
  const Processed opened = pull("opened", kA, 0, true);
  ASSERT_EQ(state(opened), RunState::held);
  EXPECT_FALSE(press("approve", "smgate", kC).run);
  EXPECT_EQ(press("approve", "smgate", kA).run, opened.run);
  EXPECT_EQ(state(opened), RunState::fetching);
}

TEST_F(Requests, HoldTheNextHeadOfAForkThatWasApproved) {
  pull("opened", kA, 0, true);
  press("approve", "smgate", kA);
  EXPECT_EQ(state(pull("synchronize", kC, 1, true)), RunState::held);
  EXPECT_EQ(state(pull("synchronize", kA, 2, true)), RunState::held) << "the approval is void";
}

TEST_F(Requests, KeepAnApprovalWhileTheHeadIsTheSame) {
  pull("opened", kA, 0, true);
  press("approve", "smgate", kA);
  test::PullSpec retargeted{"edited", 7, kA, kC, "2026-05-20T05:05:59Z"};
  retargeted.head_repository = "stranger/kernels";
  json payload = test::pull_json(retargeted);
  payload["changes"] = {{"base", {{"ref", {{"from", "main"}}}}}};
  EXPECT_EQ(state(deliver("pull_request", payload)), RunState::fetching) << "another base, a run of its own";
}

TEST_F(Requests, TakeCommandsOfThoseWhoMayWriteAlone) {
  const Processed opened = pull("opened", kA, 0, true);
  EXPECT_FALSE(comment("/smgate approve", "CONTRIBUTOR").run);
  EXPECT_FALSE(comment("please /smgate approve").run) << "not at the start of a line";
  EXPECT_FALSE(comment("/smgate deploy").run);
  EXPECT_EQ(comment("Looks good.\n/smgate approve").run, opened.run);
}

TEST_F(Requests, TakeNoCommandFromCodeOrAQuotation) {
  const Processed opened = pull("opened", kA, 0, true);
  for (const char* body :
       {"> /smgate approve", "```\n/smgate approve\n```", "~~~sh\n/smgate approve", "    /smgate approve",
        "\t/smgate approve", "````\n```\n/smgate approve\n````", " ```\r\n/smgate approve\r\n ```"})
    EXPECT_FALSE(comment(body).run) << body;
  EXPECT_EQ(comment("```\n/smgate explain\n```\n  /smgate approve\r\n").run, opened.run);
}

TEST_F(Requests, DoNothingForAMemberWhoMayOnlyRead) {
  const Processed opened = pull("opened", kA, 0, true);
  for (const char* may : {"read", "none"}) {
    permission = may;
    for (const Processed& done : {comment("/smgate approve", "MEMBER"), comment("/smgate approve", "COLLABORATOR"),
                                  press("approve", "smgate", kA), comment("/smgate rerun"), comment("/smgate explain")})
      EXPECT_THAT(done.outcome, testing::HasSubstr("ada may not write"));
  }
  EXPECT_EQ(state(opened), RunState::held);
  EXPECT_FALSE(write([](store::Tx& tx) { return store::take_explanation(tx); }));
  permission = "admin";
  EXPECT_EQ(comment("/smgate approve").run, opened.run);
}

TEST_F(Requests, AskGitHubAboutNoStranger) {
  pull("opened", kA, 0, true);
  comment("/smgate approve", "CONTRIBUTOR");
  EXPECT_EQ(store.read([](store::ReadTx& tx) { return store::count_calls(tx).pending; }), 0);
}

TEST_F(Requests, AskForTheCommitWhereTheHeadIsYoung) {
  const Processed opened = pull("opened", kA, 0, true);
  EXPECT_FALSE(comment("/smgate approve", "OWNER", "06").run) << "half a minute after the push";
  EXPECT_FALSE(comment("/smgate approve bbbbbbb", "OWNER", "06").run);
  EXPECT_EQ(comment("/smgate approve aaaaaaa", "OWNER", "06").run, opened.run);
}

TEST_F(Requests, IgnoreACommentThatIsOlderThanTheHead) {
  const Processed opened = pull("opened", kA, 0);
  fail(*opened.run);
  EXPECT_FALSE(comment("/smgate rerun", "OWNER", "04").run);
  EXPECT_EQ(comment("/smgate rerun", "OWNER", "06").run, opened.run);
}

TEST_F(Requests, KeepAQuestionUntilItIsAnswered) {
  pull("opened", kA, 0);
  comment("/smgate explain");
  const auto asked = write([](store::Tx& tx) { return store::take_explanation(tx); });
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->head.value, kA);
  EXPECT_FALSE(write([](store::Tx& tx) { return store::take_explanation(tx); }));
}

TEST_F(Requests, FollowTheInstallationOfARepository) {
  pull("opened", kA, 0);
  const json repositories = {{{"full_name", "acme/kernels"}}, {{"full_name", "acme/other"}}};
  const auto installation = [&] {
    return store.read([](store::ReadTx& tx) { return store::find_repository(tx, "acme/kernels")->installation; });
  };
  const json app = {{"id", 9}};
  deliver("installation", {{"action", "created"}, {"installation", app}, {"repositories", repositories}});
  EXPECT_EQ(installation(), 9);
  deliver("installation_repositories",
          {{"action", "removed"}, {"installation", app}, {"repositories_removed", repositories}});
  EXPECT_FALSE(installation());
  deliver("installation_repositories",
          {{"action", "added"}, {"installation", app}, {"repositories_added", repositories}});
  deliver("installation", {{"action", "suspend"}, {"installation", app}});
  EXPECT_FALSE(installation());
}

TEST_F(Requests, TryAgainWhatWasGivenUpWhenTheAppIsBack) {
  pull("opened", kA, 0);
  const auto enqueue = [&](const std::string& external_id) {
    return write([&](store::Tx& tx) {
      return store::enqueue_call(tx, {"lane", store::CallKind::set_check, "acme/kernels", external_id, "{}", {}, {}},
                                 now_ms);
    });
  };
  const auto give_up = [&](std::int64_t seq) {
    write([&](store::Tx& tx) { store::begin_next_call(tx, now_ms), store::give_up_call(tx, seq, "403", now_ms); });
  };
  give_up(enqueue("x"));
  const std::int64_t newest = enqueue("x");
  give_up(newest);
  accept({DeliveryId{"back"}, "installation", R"({"action": "unsuspend", "installation": {"id": 9}})", now_ms});
  const auto call = write([&](store::Tx& tx) { return store::begin_next_call(tx, now_ms); });
  ASSERT_TRUE(call);
  EXPECT_EQ(call->seq, newest);
  EXPECT_TRUE(call->unsure);
  EXPECT_EQ(store.read([](store::ReadTx& tx) { return store::count_calls(tx).pending; }), 1) << "the newest alone";
}

TEST_F(Requests, ShowTheRunThatIsFarthestFromPassing) {
  const Processed opened = pull("opened", kA, 0);
  const Processed pushed = deliver("push", test::push_json({"main", kC, kA}));
  ASSERT_NE(opened.run, pushed.run) << "two bases, two runs";
  fail(*opened.run);
  write([&](store::Tx& tx) { return store::end_run(tx, *pushed.run, store::RunVerdict::pass, "", "", now_ms); });
  const auto shown = store.read(
      [](store::ReadTx& tx) { return store::deciding_run(store::runs_of_head(tx, "acme/kernels", CommitSha{kA})); });
  EXPECT_EQ(shown->id, *opened.run);
}

TEST_F(Requests, MarkACommitOnceUntilItsChecksAreWritten) {
  pull("opened", kA, 0);
  const auto take = [&] { return write([](store::Tx& tx) { return store::take_marked_head(tx); }); };
  const auto head = take();
  ASSERT_TRUE(head);
  EXPECT_EQ(head->sha.value, kA);
  EXPECT_FALSE(take());
}

}  // namespace
}  // namespace smgate::intake
