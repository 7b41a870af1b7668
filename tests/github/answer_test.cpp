#include "server/github/answer.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <nlohmann/json.hpp>

#include "common/base64.hpp"
#include "server/github/jwt.hpp"
#include "server/github/rate_plan.hpp"
#include "server/github/url.hpp"
#include "tests/support/rsa_key.hpp"

namespace smgate::github {
namespace {

constexpr std::int64_t kNow_ms = 1'779'253'530'000;

template <class Kind>
Kind meaning(unsigned status, const Fields& headers = {}, const std::string& body = "", int attempts = 1) {
  return std::get<Kind>(classify({status, headers, body}, attempts, kNow_ms));
}

TEST(Classify, TellsWhatIsToBeDone) {
  for (const unsigned status : {200U, 201U, 202U, 204U, 304U}) meaning<Done>(status);
  for (const unsigned status : {400U, 413U, 422U}) meaning<Smaller>(status);
  for (const unsigned status : {403U, 404U, 410U, 451U}) meaning<Missing>(status);
  meaning<Renew>(401);
  for (const unsigned status : {408U, 500U, 502U, 503U, 504U}) EXPECT_TRUE(meaning<Retry>(status).unsure) << status;
  EXPECT_FALSE(meaning<Retry>(409).unsure);
}

TEST(Classify, ObeysRetryAfterThenTheResetThenWaitsAMinute) {
  const Fields reset{{"x-ratelimit-remaining", "0"}, {"x-ratelimit-reset", std::to_string(kNow_ms / 1000 + 90)}};
  Fields both = reset;
  both["retry-after"] = "7";
  EXPECT_EQ(meaning<Retry>(403, both).at_ms, kNow_ms + 7'000);
  EXPECT_EQ(meaning<Retry>(403, reset).at_ms, kNow_ms + 91'000);
  const std::string secondary = R"({"message": "You have exceeded a secondary rate limit."})";
  EXPECT_EQ(meaning<Retry>(403, {}, secondary).at_ms, kNow_ms + 60'000);
  EXPECT_EQ(meaning<Retry>(429, {}, "", 3).at_ms, kNow_ms + 240'000);
  EXPECT_TRUE(meaning<Retry>(429).limited);
}

TEST(Classify, DoesNotBelieveAHeaderThatSaysForEver) {
  EXPECT_EQ(meaning<Retry>(429, {{"retry-after", "99999999"}}).at_ms, kNow_ms + kPauseMax_ms);
  EXPECT_EQ(meaning<Retry>(429, {{"retry-after", "9223372036854775807"}}).at_ms, kNow_ms + kPauseMax_ms);
  EXPECT_EQ(meaning<Retry>(429, {{"retry-after", "soon"}}).at_ms, kNow_ms + kLimitPause_ms);
  const Fields reset{{"x-ratelimit-remaining", "0"}, {"x-ratelimit-reset", "9223372036854775807"}};
  EXPECT_EQ(meaning<Retry>(403, reset).at_ms, kNow_ms + kPauseMax_ms);
}

TEST(Classify, ReadsARetryAfterThatIsADate) {
  const auto until = [](const char* date) { return Fields{{"retry-after", date}}; };
  const Retry limited = meaning<Retry>(403, until("Wed, 20 May 2026 05:07:00 GMT"));
  EXPECT_TRUE(limited.limited);
  EXPECT_EQ(limited.at_ms, 1'779'253'620'000);  // 90 s later
  EXPECT_EQ(meaning<Retry>(429, until("Wed, 20 May 2026 05:05:00 GMT")).at_ms, kNow_ms + 1'000) << "it has passed";
  EXPECT_EQ(meaning<Retry>(429, until("Thu, 20 May 2027 05:05:00 GMT")).at_ms, kNow_ms + kPauseMax_ms);
  EXPECT_EQ(meaning<Retry>(429, until("Wed, 20 May 2026")).at_ms, kNow_ms + kLimitPause_ms);
}

TEST(Classify, AnOverloadedServerIsAskedAgainWhenItSays) {
  EXPECT_EQ(meaning<Retry>(503, {{"retry-after", "30"}}).at_ms, kNow_ms + 30'000);
  EXPECT_EQ(meaning<Retry>(503, {{"retry-after", "1"}}).at_ms, kNow_ms + 5'000);
  EXPECT_FALSE(meaning<Retry>(503, {{"retry-after", "30"}}).limited) << "no limit of ours";
}

TEST(Classify, BacksOffTwiceAsLongEachTimeUpToABound) {
  EXPECT_EQ(meaning<Retry>(502).at_ms, kNow_ms + 5'000);
  EXPECT_EQ(meaning<Retry>(502, {}, "", 4).at_ms, kNow_ms + 40'000);
  EXPECT_EQ(meaning<Retry>(502, {}, "", 999).at_ms, kNow_ms + kBackOffMax_ms);
}

TEST(Explain, GivesGitHubsWordsInOnePrintableLine) {
  EXPECT_EQ(explain({422, {}, R"({"message": "No commit\nfound", "errors": [{"code": "x"}]})"}),
            "422: No commit?found; {\"code\":\"x\"}");
  EXPECT_EQ(explain({502, {}, "<html>"}), "502");
}

TEST(LinkOf, FindsARelation) {
  const std::string header = "<https://h/a?page=1>; rel=\"prev\", <https://h/a?page=3>; rel=\"next\"";
  EXPECT_EQ(link_of(header, "next"), "https://h/a?page=3");
  EXPECT_EQ(link_of(header, "last"), std::nullopt);
  EXPECT_EQ(link_of("<https://h", "next"), std::nullopt);
}

TEST(ParseUrl, ReadsOriginAndTargetAndRefusesTheRest) {
  const auto url = parse_url("https://HOST:8443/api/v3?x=1");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "host");
  EXPECT_EQ(url->port, 8443);
  EXPECT_EQ(url->target, "/api/v3?x=1");
  for (const char* bad :
       {"ftp://h/", "https://u@h/", "https:///x", "https://h:x/", "https://h/a b", "https://h/#f", ""})
    EXPECT_FALSE(parse_url(bad)) << bad;
  EXPECT_EQ(resolve(*url, "/other")->host, "host");
  EXPECT_FALSE(resolve(*url, "//evil/x"));
  EXPECT_FALSE(resolve(*url, "https://evil/x")->same_origin(*url));
}

TEST(RatePlan, LeavesASecondBetweenWritesAndKeepsTheMinute) {
  RatePlan plan;
  EXPECT_LE(plan.earliest_ms(Effect::write), 0);
  plan.sent(Effect::write, kNow_ms);
  EXPECT_EQ(plan.earliest_ms(Effect::write), kNow_ms + 1'000);
  EXPECT_LE(plan.earliest_ms(Effect::read), kNow_ms);
  std::int64_t now_ms = kNow_ms;
  for (int i = 0; i < 1000; ++i) {
    now_ms = std::max(now_ms, plan.earliest_ms(Effect::write));
    plan.sent(Effect::write, now_ms);
  }
  EXPECT_GE(now_ms - kNow_ms, 2 * kHour_ms);  // 450 an hour
  plan.pause_until(now_ms + 5'000'000);
  EXPECT_EQ(plan.earliest_ms(Effect::read), now_ms + 5'000'000);
}

std::string unbase64url(std::string text) {
  for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
  while (text.size() % 4 != 0) text += '=';
  return base64_decode(text).value();
}

TEST(Jwt, IsSignedAndSaysWhoForTenMinutesAtMost) {
  const test::RsaKey key;
  const std::string jwt = AppKey::parse(Secret(key.pem()))->sign("Iv1.abc", kNow_ms).reveal();
  const std::size_t dot = jwt.find('.');
  const std::size_t last = jwt.rfind('.');
  const auto claims = nlohmann::json::parse(unbase64url(jwt.substr(dot + 1, last - dot - 1)));
  EXPECT_EQ(claims["iss"], "Iv1.abc");
  EXPECT_EQ(claims["iat"], kNow_ms / 1000 - 60);
  EXPECT_LE(claims["exp"].get<std::int64_t>(), kNow_ms / 1000 + 600);
  const std::string signature = unbase64url(jwt.substr(last + 1));
  const std::string text = jwt.substr(0, last);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ASSERT_EQ(EVP_DigestVerifyInit(context, nullptr, EVP_sha256(), nullptr, key.get()), 1);
  EXPECT_EQ(EVP_DigestVerify(context, reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                             reinterpret_cast<const unsigned char*>(text.data()), text.size()),
            1);
  EVP_MD_CTX_free(context);
}

TEST(AppKey, RefusesWhatIsNoKey) {
  EXPECT_FALSE(AppKey::parse(Secret("-----BEGIN NOTHING-----")));
  EXPECT_FALSE(AppKey::parse(Secret("")));
}

template <class T>
concept Printable = requires(std::ostream& out, const T& value) {
  out << value;
};
static_assert(!Printable<Secret>);

}  // namespace
}  // namespace smgate::github
