#include "common/ids.hpp"

#include <gtest/gtest.h>

#include <set>

#include "common/clock.hpp"
#include "common/random.hpp"

namespace smgate {
namespace {

TEST(Ulid, HoldsTheSpecificationsTimestamp) {
  SeededRandom random(1);
  // The example of github.com/ulid/spec: 01ARZ3NDEK is 1469922850259 ms.
  EXPECT_EQ(make_ulid(1469922850259, random).substr(0, 10), "01ARZ3NDEK");
}

TEST(Ulid, SortsByTimeAndNeverRepeats) {
  SeededRandom random(2);
  std::set<std::string> seen;
  std::string last;
  for (std::int64_t ms = 1; ms < 2000; ++ms) {
    const std::string id = make_ulid(1'700'000'000'000 + ms, random);
    EXPECT_TRUE(is_ulid(id)) << id;
    EXPECT_LT(last, id);
    EXPECT_TRUE(seen.insert(id).second);
    last = id;
  }
}

TEST(Ulid, RefusesOtherText) {
  EXPECT_FALSE(is_ulid(""));
  EXPECT_FALSE(is_ulid("01ARZ3NDEKTSV4RRFFQ69G5FA"));   // 25
  EXPECT_FALSE(is_ulid("81ARZ3NDEKTSV4RRFFQ69G5FAV"));  // more than 128 bits
  EXPECT_FALSE(is_ulid("01ARZ3NDEKTSV4RRFFQ69G5FAI"));  // I is not of the alphabet
}

TEST(CommitSha, TakesBothGitHashes) {
  EXPECT_TRUE(parse_commit_sha(std::string(40, 'a')).has_value());
  EXPECT_TRUE(parse_commit_sha(std::string(64, '0')).has_value());
  EXPECT_FALSE(parse_commit_sha(std::string(40, 'A')).has_value());
  EXPECT_FALSE(parse_commit_sha("--upload-pack=x").has_value());
}

TEST(Arch, TakesComputeCapabilities) {
  for (const char* good : {"sm_89", "sm_121", "sm_90a", "sm_120f"}) EXPECT_TRUE(parse_arch(good).has_value()) << good;
  for (const char* bad : {"", "sm_", "sm_9", "89", "sm_89b", "SM_89", "sm_89 "})
    EXPECT_FALSE(parse_arch(bad).has_value()) << bad;
}

TEST(RunnerName, RefusesWhatWouldBreakALabel) {
  EXPECT_TRUE(parse_runner_name("gx10-a.lab_1").has_value());
  EXPECT_FALSE(parse_runner_name("").has_value());
  EXPECT_FALSE(parse_runner_name("a b").has_value());
  EXPECT_FALSE(parse_runner_name(std::string(65, 'a')).has_value());
}

TEST(Rfc3339, WritesMillisecondsInUtc) {
  EXPECT_EQ(to_rfc3339(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(to_rfc3339(1779253530123), "2026-05-20T05:05:30.123Z");
  EXPECT_EQ(to_rfc3339(-1), "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace smgate
