// What the fold makes of events that come in odd places: the healthy run with some of them, and what is said of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/contract/edited.hpp"

namespace smgate::contract {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const std::string kSilu = "silu_forward";

Offer offer(const std::string& key, const std::string& body = "b") { return {"model", "kernels", key, body, ""}; }
Lookup lookup(const std::string& key, const std::string& body = "b", bool hit = false) {
  return {"model", "kernels", key, body, hit, ""};
}
Compile compile(const std::string& key, bool ok = true) {
  return {"kernels", key, "b", "sm_89", 2048, 1.5, ok, "", ""};
}

TEST(ALookup, InsideOfAPrewarmIsNoUse) {
  Edited run;
  run.before<PrewarmEnd>(offer("gelu")).before<PrewarmEnd>(lookup("gelu"));
  EXPECT_TRUE(finding_of(run.report(), "KC-6", "waste"));
}

TEST(AnOffer, AfterThePrewarmWarmsNothing) {
  EXPECT_TRUE(finding_of(Edited().add(offer("gelu")).add(lookup("gelu")).report(), "KC-2", "missing"));
}

TEST(ACompile, ThatFailedInThePrewarmWarmsNothing) {
  Edited run;
  run.before<PrewarmEnd>(compile("gelu", false)).add(lookup("gelu"));
  EXPECT_TRUE(finding_of(run.report(), "KC-2", "missing"));
}

TEST(ACompile, SaysWhatIsCachedWhateverWasOffered) {
  Edited run;
  run.each<Compile>([](Compile& made) { made.body = made.key == kSilu ? "b-else" : made.body; });
  ASSERT_TRUE(finding_of(run.report(), "KC-4", "body_mismatch"));
  EXPECT_EQ(finding_of(run.report(), "KC-4", "body_mismatch")->key, kSilu);
}

TEST(AnUnload, LeavesNobodyKnowingWhatIsCached) {
  Edited run;
  run.add(Unload{"m-b-silu", "kernels", kSilu, ""}).add(lookup(kSilu, "b-else", true));
  EXPECT_FALSE(finding_of(run.report(), "KC-4", "body_mismatch"));
}

TEST(ACompile, ThatNobodyAskedForBelongsToThePrewarmThatBeganLast) {
  Edited run;
  run.before<PrewarmEnd>(PrewarmBegin{"second", "kernels", ""}).before<PrewarmEnd>(compile("gelu"));
  run.before<PrewarmEnd>(PrewarmEnd{"second", "kernels", 1, ""});
  run.add(Lookup{"second", "kernels", "tanh", "b-tanh", false, ""});
  EXPECT_TRUE(finding_of(run.report(), "KC-2", "missing")) << "not skipped: the second pre-warm did something";
}

TEST(ACompile, IsNotTakenByAMarkOfAnotherCache) {
  const auto marked = [](const std::string& cache, const std::string& key) {
    Edited run;
    run.add(compile(key)).add(PrewarmBegin{"other", cache, ""}).add(PrewarmEnd{"other", cache, 1, ""});
    return said(run, "KC-3");
  };
  for (const char* key : {"gelu", ""}) {
    EXPECT_THAT(marked("others", key), StartsWith("fail")) << key;
    EXPECT_THAT(marked("kernels", key), StartsWith("pass")) << key;
  }
}

TEST(ACompile, ThatIsLateIsWhereTheRunStoppedThoughNoLookupIsReported) {
  Edited run;
  run.drop<Lookup>().drop<Step>().drop<RunEnd>().add(compile("gelu"));
  EXPECT_EQ(finding_of(run.report(), "DS-1", "no_steps")->explained_by, "prewarm_missing");
}

TEST(AnEnd, ThatFailedIsNotTakenBack) {
  EXPECT_FALSE(Edited().before<RunEnd>(RunEnd{"failed", "boom"}).report().summary.completed);
}

TEST(Numbering, ThatGoesBackLosesNothing) {
  Facts facts;
  for (const std::uint64_t seq : {0U, 2U, 1U}) fold(facts, {seq, seq, 7, 0, Source::self, Note{"", ""}});
  const Process& process = facts.processes.begin()->second;
  EXPECT_EQ(process.events_missing, 1U);
  EXPECT_EQ(process.events_out_of_order, 1U);
}

TEST(MemoryThatIsFree, IsToldBetweenThePrewarmAndItsPayload) {
  EXPECT_THAT(said(Edited().drop<Memory>().add(Memory{1, 2, false}), "KC-7"),
              HasSubstr("inconclusive: no memory event between"));
  EXPECT_THAT(said(Edited().before<PayloadBegin>(Memory{1, 24'000'000'000, false}), "KC-7"), StartsWith("pass"))
      << "the first one counts";
}

TEST(Nearest, OfTwoAsNearIsTheOneThatNothingUsesElseTheFirst) {
  Edited run;
  run.before<PrewarmEnd>(offer("gelu_63")).before<PrewarmEnd>(offer("gelu_65", "c")).add(lookup("gelu_64", "d"));
  EXPECT_EQ(finding_of(run.report(), "KC-2", "drifted")->nearest_key, "gelu_63");
  run.add(lookup("gelu_63", "b", true));
  EXPECT_EQ(finding_of(run.report(), "KC-2", "drifted")->nearest_key, "gelu_65");
}

TEST(AHit, DoesNotMakeWhoeverAsksTheOwner) {
  Edited run;
  run.add(PrewarmBegin{"second", "kernels", ""}).add(Lookup{"second", "kernels", kSilu, "b-silu", true, ""});
  run.add(compile(kSilu)).add(PrewarmEnd{"second", "kernels", 0, ""});
  EXPECT_THAT(said(run, "KC-3"), StartsWith("fail")) << "the model's pre-warm is over";
}

TEST(APayload, IsDeclaredByItsEndWhereItsBeginningTellsNoBytes) {
  const auto told = [](std::optional<std::uint64_t> begin, std::uint64_t end) {
    Edited run;
    run.each<PayloadBegin>([&](PayloadBegin& payload) { payload.bytes = begin; });
    run.each<PayloadEnd>([&](PayloadEnd& payload) { payload.bytes = end; });
    return said(run, "KC-7");
  };
  constexpr std::uint64_t kTooMuch = 21'000'000'000;
  EXPECT_THAT(told(std::nullopt, kTooMuch), StartsWith("fail"));
  EXPECT_THAT(told(2'000'000, kTooMuch), StartsWith("pass")) << "what is declared beforehand counts";
}

TEST(AnAllocation, OfTheSameNameIsKeptWhereItWasLargestFirst) {
  Edited run;
  run.add(Alloc{"workspace", 9'000'000'000, true, "a.cpp:1"}).add(Alloc{"workspace", 10'000'000'000, true, "a.cpp:2"});
  run.add(Alloc{"workspace", 10'000'000'000, true, "a.cpp:3"});
  const auto over = finding_of(run.report(), "KC-7", "workspace_over_budget");
  ASSERT_TRUE(over);
  EXPECT_EQ(over->bytes, 10'000'000'000u);
  EXPECT_EQ(over->evidence.at(0).at, "a.cpp:2");
}

TEST(APrewarm, ThatEndsBehindAPayloadNamesTheFirst) {
  Edited run;
  run.before<PrewarmBegin>(PayloadBegin{"teacher", 1, ""}).before<PrewarmEnd>(PayloadBegin{"other", 1, ""});
  const auto late = finding_of(run.report(), "KC-7", "prewarm_after_payload");
  ASSERT_TRUE(late);
  EXPECT_THAT(late->message, HasSubstr("payload of `teacher`"));
}

}  // namespace
}  // namespace smgate::contract
