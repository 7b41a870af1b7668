// The conditions of the kernel-cache clauses one by one: the healthy run, changed in one thing, and what is said of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/contract/compare.hpp"
#include "common/contract/fold.hpp"
#include "tests/contract/edited.hpp"

namespace smgate::contract {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const std::string kSilu = "silu_forward";

Lookup lookup(const std::string& key, const std::string& body, bool hit) {
  return {"model", "kernels", key, body, hit, "model.cpp:9"};
}
Compile compile(const std::string& key, const std::string& target = "sm_89") {
  Compile made{"kernels", key, "b-" + key, target, 2048, 1.5, true, "", ""};
  return made;
}

TEST(KernelTelemetry, MustBeThere) {
  EXPECT_THAT(said(judge(Facts{}, {}), "KC-1"), HasSubstr("reported no event at all"));
  Edited silent;
  silent.drop<Offer>().drop<Compile>().drop<Load>().drop<Lookup>();
  EXPECT_THAT(said(silent, "KC-1"), HasSubstr("inconclusive: no kernel cache reported anything"));
}

TEST(KernelTelemetry, MarksTheEndOfEachPrewarm) {
  EXPECT_THAT(said(Edited().drop<PrewarmBegin>().drop<PrewarmEnd>(), "KC-1"),
              HasSubstr("inconclusive: no end of a pre-warm is marked"));
  EXPECT_THAT(said(Edited().add(PrewarmBegin{"late", "kernels", ""}), "KC-1"),
              HasSubstr("inconclusive: the pre-warm of `late` never ended"));
  EXPECT_THAT(said(Edited().add(lookup(kSilu, "b-silu", true), kOtherPid), "KC-1"),
              HasSubstr("inconclusive: process 8 used kernels but marked no end"));
}

TEST(KernelTelemetry, ComesOfAColdRunThatSomebodyAttests) {
  const auto cold = [](std::optional<bool> word) {
    return Edited().each<RunStart>([word](RunStart& start) { start.cold = word; });
  };
  EXPECT_THAT(said(cold(std::nullopt), "KC-1"), HasSubstr("inconclusive: nobody attests a cold start"));
  EXPECT_THAT(said(cold(false), "KC-1"), HasSubstr("inconclusive: the run says that a disk cache"));
}

TEST(KernelTelemetry, IsWhole) {
  Facts cut = Edited().facts(), full = cut;
  fold_unreadable(cut, Error{"not JSON", "a.jsonl:3", ""});
  full.left_out = 1;
  for (const char* clause : {"KC-1", "KC-2", "KC-3", "KC-4", "KC-5", "KC-6", "KC-7"}) {
    EXPECT_THAT(said(judge(cut, {}), clause), HasSubstr("inconclusive: 1 line of events could not be read")) << clause;
    EXPECT_THAT(said(judge(full, {}), clause), HasSubstr("inconclusive: there were more keys")) << clause;
  }
}

TEST(KernelTelemetry, ThatNamesNoLookupLeavesCoverageAndWasteOpen) {
  const Edited run = Edited().drop<Lookup>();
  EXPECT_THAT(said(run, "KC-2"), HasSubstr("inconclusive: no lookup was reported"));
  EXPECT_THAT(said(run, "KC-6"), HasSubstr("inconclusive: no lookup was reported"));
}

TEST(KernelTelemetry, OfAProcessThatMarksNothingLeavesEveryClauseOfKernelsOpen) {
  const Edited unmarked = Edited().add(lookup(kSilu, "b-silu", true), kOtherPid);
  for (const char* clause : {"KC-2", "KC-3", "KC-4", "KC-5", "KC-6"})
    EXPECT_THAT(said(unmarked, clause), HasSubstr("inconclusive: process 8 used kernels but marked no end")) << clause;
  const Edited without_kernels = Edited().add(Note{"a data loader", ""}, kOtherPid);
  EXPECT_THAT(said(without_kernels, "KC-3"), StartsWith("pass"));
}

TEST(LateWork, IsALoadWithoutACompileToo) {
  const Edited run = Edited().add(Load{"m-new", "kernels", "gelu_forward", "sm_89", 2048, true, ""});
  const std::optional<Finding> late = finding_of(run.report(), "KC-3", "late_load");
  ASSERT_TRUE(late);
  EXPECT_EQ(late->key, "gelu_forward");
  EXPECT_EQ(late->bytes, 2048U);
}

TEST(LateWork, OfSeveralProcessesIsOneFindingThatCountsAll) {
  Edited run;
  run.add(lookup("gelu_forward", "g", false)).add(compile("gelu_forward"));
  run.add(PrewarmBegin{"model", "kernels", ""}, kOtherPid).add(PrewarmEnd{"model", "kernels", 0, ""}, kOtherPid);
  run.add(lookup("gelu_forward", "g", false), kOtherPid).add(compile("gelu_forward"), kOtherPid);
  const Report report = run.report();
  ASSERT_TRUE(finding_of(report, "KC-2", "missing"));
  EXPECT_EQ(finding_of(report, "KC-2", "missing")->evidence.size(), 2U);
  const Finding late = *finding_of(report, "KC-3", "missing");
  EXPECT_EQ(late.count, 2U);
  EXPECT_EQ(late.evidence.size(), 2U);
  EXPECT_EQ(late.bytes, 2048U);
  EXPECT_EQ(late.ms, 1.5);
}

TEST(Bodies, OfTwoCallersOfOneKeyMustBeOne) {
  const Edited run =
      Edited().add(lookup("late_one", "one", false)).add(compile("late_one")).add(lookup("late_one", "two", false));
  const std::optional<Finding> found = finding_of(run.report(), "KC-4", "two_bodies");
  ASSERT_TRUE(found);
  EXPECT_THAT(found->message, HasSubstr("asked for by callers that would build 2 different bodies"));
}

TEST(Bodies, ThatNobodyNamesLeaveTheClauseOpen) {
  Edited run;
  run.each<Offer>([](Offer& offer) { offer.body.clear(); });
  run.each<Lookup>([](Lookup& asked) { asked.body.clear(); });
  EXPECT_THAT(said(run, "KC-4"), HasSubstr("inconclusive: no event names a body"));
}

// What each device runs, of cubins alone.
TEST(Targets, RunOnTheirOwnMajorAndALowerOrEqualMinor) {
  const auto outcome = [](const std::string& device, const std::string& target) {
    Edited run;
    run.each<RunStart>([&](RunStart& start) { start.arch = device; });
    run.each<Compile>([&](Compile& made) { made.target = target; });
    run.each<Load>([&](Load& load) { load.target = target; });
    return said(run, "KC-5").substr(0, 4);
  };
  for (const auto& [device, target] : {std::pair("sm_89", "sm_89"), std::pair("sm_89", "sm_86"),
                                       std::pair("sm_121", "sm_120"), std::pair("sm_121", "sm_121a")})
    EXPECT_EQ(outcome(device, target), "pass") << target << " on " << device;
  for (const auto& [device, target] :
       {std::pair("sm_86", "sm_89"), std::pair("sm_121", "sm_89"), std::pair("sm_89", "sm_121"),
        std::pair("sm_90", "sm_89"), std::pair("sm_120", "sm_121"), std::pair("sm_121", "sm_120a"),
        std::pair("sm_121", "compute_89"), std::pair("sm_89", "compute_89")})
    EXPECT_EQ(outcome(device, target), "fail") << target << " on " << device;
}

TEST(Targets, ThatAreNotToldLeaveTheClauseOpen) {
  Edited one, none;
  one.add(Compile{"kernels", kSilu + "_2", "b", "", 1, 1.0, true, "", ""});
  EXPECT_THAT(said(one, "KC-5"), HasSubstr("inconclusive: some modules do not say"));
  none.each<Compile>([](Compile& made) { made.target.clear(); }).each<Load>([](Load& load) {
    load.target.clear();
    load.native.reset();
  });
  EXPECT_THAT(said(none, "KC-5"), HasSubstr("inconclusive: no event says what the modules were built for"));
}

TEST(Targets, MayBeExceptedByPattern) {
  Edited run;
  run.each<Load>([](Load& load) { load.target = load.key == kSilu ? "sm_90" : load.target; });
  EXPECT_THAT(said(run, "KC-5"), StartsWith("fail"));
  Policy policy;
  policy.exceptions = {{"KC-5", "silu_*", "a vendor's binary"}};
  EXPECT_THAT(said(run, "KC-5", policy), StartsWith("pass"));
}

TEST(Waste, IsCountedInBytesOfWhatWasPrewarmedAndNotUsed) {
  Edited run;
  run.before<PrewarmEnd>(Offer{"model", "kernels", "unused", "b-unused", "prewarm.cpp:9"});
  run.before<PrewarmEnd>(compile("unused"));
  const std::optional<Finding> waste = finding_of(run.report(), "KC-6", "waste");
  ASSERT_TRUE(waste);
  EXPECT_EQ(waste->bytes, 2048U);
  Policy policy;
  policy.waste_budget_bytes = 2048;
  EXPECT_THAT(said(run, "KC-6", policy), StartsWith("pass"));
  policy.waste_budget_bytes = 2047;
  EXPECT_THAT(said(run, "KC-6", policy), StartsWith("fail"));
}

TEST(Waste, IsNothingThatNobodyPrewarmed) {
  EXPECT_THAT(said(Edited().add(Unload{"m", "kernels", "stranger", ""}), "KC-6"), StartsWith("pass"));
}

TEST(Waste, OfAKeyThatAnotherProcessUsesIsNone) {
  Edited run;
  for (EventBody body :
       std::vector<EventBody>{PrewarmBegin{"model", "kernels", ""}, Offer{"model", "kernels", kSilu, "b-silu", ""},
                              PrewarmEnd{"model", "kernels", 1, ""}})
    run.add(std::move(body), kOtherPid);
  EXPECT_THAT(said(run, "KC-6"), StartsWith("pass"));
}

// The case's device has 24 GB, so that a workspace may take 6.
TEST(Workspaces, AreWhatIsCalledSoOrTakenOutsideOfAPayloadUnderNoNameOfWeights) {
  const auto outcome = [](const std::string& name, std::uint64_t bytes, bool in_payload) {
    const Alloc alloc{name, bytes, true, ""};
    return said(in_payload ? Edited().before<PayloadEnd>(alloc) : Edited().add(alloc), "KC-7").substr(0, 4);
  };
  EXPECT_EQ(outcome("block.0.workspace", 6'000'000'000, true), "pass") << "a quarter is allowed";
  EXPECT_EQ(outcome("block.0.workspace", 6'000'000'001, true), "fail");
  EXPECT_EQ(outcome("block.0.scores", 6'000'000'001, false), "fail");
  EXPECT_EQ(outcome("block.0.scores", 6'000'000'001, true), "pass") << "it belongs to the payload";
  EXPECT_EQ(outcome("adam.moments", 6'000'000'001, false), "pass") << "training keeps it";
}

TEST(Payloads, OfAllScopesTogetherMustFitWhatWasFree) {
  const auto with_second = [](std::uint64_t bytes) {
    return Edited().add(PayloadBegin{"second", bytes, ""}).add(PayloadEnd{"second", bytes, ""});
  };
  EXPECT_THAT(said(with_second(19'998'000'000), "KC-7"), StartsWith("pass"));
  EXPECT_THAT(said(with_second(19'998'000'001), "KC-7"), StartsWith("fail"));
}

TEST(Payloads, MustBeMarked) {
  EXPECT_THAT(said(Edited().drop<PayloadBegin>().drop<PayloadEnd>(), "KC-7"),
              HasSubstr("inconclusive: no payload was marked"));
  EXPECT_THAT(said(Edited().drop<Memory>(), "KC-7"), HasSubstr("inconclusive: no memory event"));
}

Report of_two(const Edited& left, const Edited& right, const Policy& policy = {}) {
  const Facts a = left.facts(), b = right.facts();
  return compare({{"sm_89", &a, nullptr}, {"sm_121", &b, nullptr}}, policy);
}

TEST(Agreement, CountsAKeyThatWasCompiledLateAndNotLookedUp) {
  const Report report = of_two(Edited().add(compile("gelu_forward")), Edited());
  ASSERT_TRUE(finding_of(report, "KC-8", "used_on_some"));
  EXPECT_EQ(finding_of(report, "KC-8", "used_on_some")->key, "gelu_forward");
}

TEST(Agreement, IsAskedOfKeysWithAndWithoutTheirArchitecture) {
  const Edited other = Edited().add(lookup("gemm_sm_89_64", "b", false));
  EXPECT_THAT(said(of_two(other, Edited()), "KC-8"), StartsWith("fail"));
  for (const char* pattern : {"gemm_sm_89_*", "gemm_sm_?_64"}) {  // as it stands there, and as sm_*
    Policy policy;
    policy.differences = {{pattern, {"sm_89"}, "cuBLAS there"}};
    EXPECT_THAT(said(of_two(other, Edited(), policy), "KC-8"), StartsWith("pass")) << pattern;
  }
}

}  // namespace
}  // namespace smgate::contract
