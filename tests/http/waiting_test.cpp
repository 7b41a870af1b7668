#include "server/dashboard/waiting.hpp"

#include <gtest/gtest.h>

namespace smgate::dashboard {
namespace {

constexpr std::int64_t kTwoOClock = 1'767'362'520'000;  // 2026-01-02T14:02:00Z
constexpr std::int64_t kMinute = 60'000;

store::QueuedJob job() {
  store::QueuedJob job;
  job.arch = {"sm_121"};
  job.queued_ms = job.ready_ms = kTwoOClock;
  return job;
}

FleetRunner member(bool online, int held = 0) {
  FleetRunner member;
  member.runner.name = {"r"};
  member.runner.arch = {"sm_121"};
  member.runner.slots = 2;
  member.runner.last_seen_ms = kTwoOClock;
  member.online = online;
  member.held = held;
  return member;
}

TEST(WhyWaiting, NamesTheArchitectureAndSinceWhen) {
  const Waiting why = why_waiting(job(), {member(false)}, kTwoOClock + kMinute);
  EXPECT_EQ(why.kind, "offline");
  EXPECT_EQ(why.text, "no runner with sm_121 is online since 14:02 UTC");
  EXPECT_EQ(why.since_ms, kTwoOClock);
  EXPECT_EQ(why_waiting(job(), {member(false)}, kTwoOClock + 24 * 60 * kMinute).text,
            "no runner with sm_121 is online since 2026-01-02 14:02 UTC");
}

TEST(WhyWaiting, TellsTheOtherReasonsApart) {
  EXPECT_EQ(why_waiting(job(), {}, kTwoOClock).kind, "no_runner");
  EXPECT_EQ(why_waiting(job(), {member(true, 2)}, kTwoOClock).text, "all 2 slots of sm_121 are busy");
  EXPECT_EQ(why_waiting(job(), {member(true, 1)}, kTwoOClock).kind, "next");
  FleetRunner drained = member(true);
  drained.runner.drained = true;
  EXPECT_EQ(why_waiting(job(), {drained}, kTwoOClock).kind, "draining");
  store::QueuedJob closed = job();
  closed.access_error = "no token to read the repository with: 503";
  closed.access_retry_ms = kTwoOClock + kMinute;
  EXPECT_EQ(why_waiting(closed, {member(true)}, kTwoOClock).text,
            "no token to read the repository with: 503; asked again at 14:03 UTC");
  store::QueuedJob later = job();
  later.ready_ms = kTwoOClock + kMinute;
  EXPECT_EQ(why_waiting(later, {member(true)}, kTwoOClock).text, "retry not before 14:03 UTC, after a failed attempt");
}

}  // namespace
}  // namespace smgate::dashboard
