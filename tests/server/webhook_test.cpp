#include "server/intake/webhook.hpp"

#include <gtest/gtest.h>

#include "common/digest.hpp"
#include "server/intake/intake.hpp"
#include "tests/server/payloads.hpp"

namespace smgate::intake {
namespace {

using test::PullSpec;
using test::PushSpec;

constexpr std::string_view kSecret = "It's a Secret to Everybody";
const std::string kSignature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

Webhook parse(std::string_view event, const nlohmann::json& payload) {
  Result<Webhook> webhook = parse_webhook(event, payload.dump());
  EXPECT_TRUE(webhook) << webhook.error().text();
  return webhook ? *webhook : Ignored{"(error)"};
}
std::string why_ignored(const Webhook& webhook) {
  const auto* ignored = std::get_if<Ignored>(&webhook);
  return ignored == nullptr ? "(not ignored)" : ignored->reason;
}
int status_of(const WebhookHeaders& headers, const std::string& body) {
  const auto checked = check_delivery(kSecret, headers, body, 1);
  const auto* refused = std::get_if<Refused>(&checked);
  return refused == nullptr ? 202 : refused->status;
}

TEST(VerifySignature, AgreesWithGitHubsOwnVector) {
  EXPECT_TRUE(verify_signature(kSecret, "Hello, World!", kSignature));
  EXPECT_FALSE(verify_signature(kSecret, "Hello, World?", kSignature));
  EXPECT_FALSE(verify_signature("another", "Hello, World!", kSignature));
  EXPECT_FALSE(verify_signature(kSecret, "Hello, World!", kSignature.substr(7))) << "without sha256=";
  EXPECT_FALSE(verify_signature(kSecret, "Hello, World!", ""));
}

TEST(CheckDelivery, RefusesWhatIsMissingWrongOrBroken) {
  const std::string body = "{}", broken = "{\"a\": ";
  const auto sign = [](const std::string& text) { return "sha256=" + hmac_sha256_hex(kSecret, text); };
  EXPECT_EQ(status_of({"push", "d-1", sign(body)}, body), 202);
  EXPECT_EQ(status_of({std::nullopt, "d-1", sign(body)}, body), 400);
  EXPECT_EQ(status_of({"push", std::nullopt, sign(body)}, body), 400);
  EXPECT_EQ(status_of({"push", "d-1", std::nullopt}, body), 400);
  EXPECT_EQ(status_of({"push", "d 1\n", sign(body)}, body), 400);
  EXPECT_EQ(status_of({"push", "d-1", sign("{} ")}, body), 401);
  EXPECT_EQ(status_of({"push", "d-1", sign(broken)}, broken), 400);
}

TEST(CheckDelivery, TellsAStrangerNothingAboutTheBody) {
  EXPECT_EQ(status_of({"push", "d-1", kSignature}, "{\"a\": "), 401);  // the signature is checked first
}

TEST(ParsePush, ReadsWhatARunNeeds) {
  const Webhook webhook = parse("push", test::push_json({}));
  const auto* push = std::get_if<Push>(&webhook);
  ASSERT_NE(push, nullptr) << why_ignored(webhook);
  EXPECT_EQ(push->branch, "main");
  EXPECT_EQ(push->before, test::sha('b'));
  EXPECT_EQ(push->after, test::sha('a'));
  EXPECT_EQ(push->pushed_ms, 1'779'253'530'000);
  EXPECT_EQ(push->repository.full_name, "acme/kernels");
  EXPECT_EQ(push->repository.default_branch, "main");
  EXPECT_FALSE(push->repository.installation);
}

TEST(ParsePush, KeepsSlashesInABranchName) {
  const Webhook webhook = parse("push", test::push_json({"feature/a/b"}));
  EXPECT_EQ(std::get<Push>(webhook).branch, "feature/a/b");
}

TEST(ParsePush, ReadsTheInstallationOfAnApp) {
  nlohmann::json payload = test::push_json({});
  payload["installation"] = {{"id", 42}, {"node_id", "x"}};
  EXPECT_EQ(std::get<Push>(parse("push", payload)).repository.installation, 42);
}

TEST(ParsePush, IgnoresADeletedBranchAndTagsWithAReason) {
  EXPECT_NE(why_ignored(parse("push", test::push_json({"dev", std::string(40, 'b'), test::kNoCommit}))).find("deleted"),
            std::string::npos);
  nlohmann::json tag = test::push_json({});
  tag["ref"] = "refs/tags/v1";
  EXPECT_NE(why_ignored(parse("push", tag)).find("tag"), std::string::npos);
}

TEST(ParsePush, NamesEachFieldThatIsWrong) {
  nlohmann::json payload = test::push_json({});
  payload["after"] = "not a commit";
  payload["repository"].erase("clone_url");
  const Result<Webhook> webhook = parse_webhook("push", payload.dump());
  ASSERT_FALSE(webhook);
  EXPECT_NE(webhook.error().text().find("/after"), std::string::npos) << webhook.error().text();
  EXPECT_NE(webhook.error().text().find("/repository/clone_url"), std::string::npos) << webhook.error().text();
}

TEST(ParsePullRequest, ReadsWhatARunNeeds) {
  PullSpec spec{"synchronize"};
  spec.before = std::string(40, 'c');
  const auto event = std::get<PullRequestEvent>(parse("pull_request", test::pull_json(spec)));
  EXPECT_EQ(event.action, PullAction::synchronize);
  EXPECT_EQ(event.number, 7);
  EXPECT_EQ(event.head, test::sha('a'));
  EXPECT_EQ(event.base, test::sha('b'));
  EXPECT_EQ(event.base_branch, "main");
  EXPECT_EQ(event.previous, test::sha('c'));
  EXPECT_EQ(event.updated_ms, 1'779'253'530'000);
  EXPECT_FALSE(event.from_fork());
}

TEST(ParsePullRequest, KnowsAForkAlsoWhereItWasDeleted) {
  PullSpec spec;
  spec.head_repository = "stranger/kernels";
  EXPECT_TRUE(std::get<PullRequestEvent>(parse("pull_request", test::pull_json(spec))).from_fork());
  spec.head_repository = std::nullopt;
  EXPECT_TRUE(std::get<PullRequestEvent>(parse("pull_request", test::pull_json(spec))).from_fork());
}

TEST(ParsePullRequest, IgnoresActionsThatChangeNoCommit) {
  for (const char* action : {"labeled", "edited", "assigned", "review_requested", "something_new"})
    EXPECT_NE(why_ignored(parse("pull_request", test::pull_json({action}))).find(action), std::string::npos);
}

TEST(ParsePullRequest, RefusesATimeThatIsNone) {
  for (const char* text : {"yesterday", "2026-13-20T05:05:30Z", "2026-05-20 05:05:30Z", "2026-05-20T05:05:3Z"}) {
    PullSpec spec;
    spec.updated_at = text;
    EXPECT_FALSE(parse_webhook("pull_request", test::pull_json(spec).dump())) << text;
  }
}

TEST(ParseWebhook, SaysWhyItIgnoresOtherEvents) {
  EXPECT_NE(why_ignored(parse("ping", {{"zen", "x"}})).find("ping"), std::string::npos);
  EXPECT_NE(why_ignored(parse("star", nlohmann::json::object())).find("star"), std::string::npos);
}

TEST(ParseWebhook, RefusesJsonThatIsNoObject) { EXPECT_FALSE(parse_webhook("push", "[1, 2]")); }

}  // namespace
}  // namespace smgate::intake
