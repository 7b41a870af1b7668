#include "server/http/target.hpp"

#include <gtest/gtest.h>

namespace smgate::http {
namespace {

TEST(ParseTarget, TakesPathAndQueryApart) {
  const Target target = parse_target("/api/v1/runs?branch=a%2Fb+c&limit=3&empty=&flag").value();
  EXPECT_EQ(target.path, "/api/v1/runs");
  const Fields expected{{"branch", "a/b c"}, {"empty", ""}, {"flag", ""}, {"limit", "3"}};
  EXPECT_EQ(target.query, expected);
}

TEST(ParseTarget, DecodesThePathWithoutTouchingPlus) { EXPECT_EQ(parse_target("/a%20b+c").value().path, "/a b+c"); }

TEST(ParseTarget, RefusesWhatIsNoPath) {
  EXPECT_FALSE(parse_target(""));
  EXPECT_FALSE(parse_target("*"));
  EXPECT_FALSE(parse_target("http://elsewhere/"));
}

TEST(ParseTarget, RefusesBrokenPercentSequences) {
  EXPECT_FALSE(parse_target("/a%2"));
  EXPECT_FALSE(parse_target("/a%zz"));
  EXPECT_FALSE(parse_target("/a?b=%"));
}

TEST(ParseTarget, RefusesAParameterGivenTwice) { EXPECT_FALSE(parse_target("/a?b=1&b=2")); }

TEST(PercentEncode, IsUndoneByParseTarget) {
  const std::string odd = "a/b c+%\xC3\xA9&=~";
  EXPECT_EQ(parse_target("/?x=" + percent_encode(odd)).value().query.at("x"), odd);
}

struct RangeCase {
  const char* header;
  RangeOutcome outcome;
  std::uint64_t first;
  std::uint64_t last;
};

class ParseRange : public testing::TestWithParam<RangeCase> {};

TEST_P(ParseRange, OfTenBytes) {
  const RangeRequest request = parse_range(GetParam().header, 10);
  EXPECT_EQ(request.outcome, GetParam().outcome) << GetParam().header;
  if (request.outcome != RangeOutcome::satisfiable) return;
  EXPECT_EQ(request.range.first, GetParam().first);
  EXPECT_EQ(request.range.last, GetParam().last);
}

constexpr auto kGood = RangeOutcome::satisfiable;
constexpr auto kNone = RangeOutcome::unsatisfiable;
constexpr auto kIgnored = RangeOutcome::ignored;
INSTANTIATE_TEST_SUITE_P(All, ParseRange,
                         testing::Values(RangeCase{"bytes=0-3", kGood, 0, 3}, RangeCase{"bytes=4-", kGood, 4, 9},
                                         RangeCase{"bytes=-3", kGood, 7, 9}, RangeCase{"bytes=-30", kGood, 0, 9},
                                         RangeCase{"bytes=8-99", kGood, 8, 9}, RangeCase{"bytes=9-9", kGood, 9, 9},
                                         RangeCase{"bytes=10-", kNone, 0, 0}, RangeCase{"bytes=-0", kNone, 0, 0},
                                         RangeCase{"bytes=5-4", kIgnored, 0, 0},
                                         RangeCase{"bytes=0-1,3-4", kIgnored, 0, 0},
                                         RangeCase{"lines=0-1", kIgnored, 0, 0}, RangeCase{"bytes=x-", kIgnored, 0, 0},
                                         RangeCase{"bytes=-", kIgnored, 0, 0}, RangeCase{"bytes=", kIgnored, 0, 0}));

TEST(ParseRangeOfNothing, IsNeverSatisfiable) {
  EXPECT_EQ(parse_range("bytes=0-", 0).outcome, RangeOutcome::unsatisfiable);
  EXPECT_EQ(parse_range("bytes=-1", 0).outcome, RangeOutcome::unsatisfiable);
  EXPECT_EQ(parse_range(std::nullopt, 0).outcome, RangeOutcome::ignored);
}

}  // namespace
}  // namespace smgate::http
