// What each cause takes and what it leaves: the healthy run, broken in two things, and which cause explains which.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/contract/edited.hpp"

namespace smgate::contract {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::string kSilu = "silu_forward";
const std::string kRope = "batched_rope_fwd_4_16_32_th49742400";

Offer offer(const std::string& key, const std::string& body) {
  return {"model", "kernels", key, body, "prewarm.cpp:9"};
}
Lookup lookup(const std::string& key, const std::string& body, bool hit) {
  return {"model", "kernels", key, body, hit, "model.cpp:9"};
}

std::vector<std::string> causes_of(const Report& report) {
  std::vector<std::string> ids;
  for (const Cause& cause : report.causes) ids.push_back(cause.id);
  return ids;
}

// By key: what explains the findings of a clause.
std::map<std::string, std::string> explained(const Report& report, const std::string& clause) {
  std::map<std::string, std::string> by_key;
  for (const Finding& finding : report.findings)
    if (finding.clause == clause) by_key[finding.key] = finding.explained_by;
  return by_key;
}

TEST(Drift, TakesTheWasteOfTheKeyThatWasMeantAndNoOther) {
  Edited run;
  run.before<PrewarmEnd>(offer("gelu_64_eps3727c5ac", "b-gelu5")).before<PrewarmEnd>(offer("unused", "b-unused"));
  run.add(lookup("gelu_64_eps358637bd", "b-gelu6", false));
  EXPECT_THAT(explained(run.report(), "KC-6"),
              ElementsAre(std::pair("gelu_64_eps3727c5ac", "prewarm_key_drift"), std::pair("unused", "prewarm_waste")));
}

TEST(Collision, LeavesTheStopOfARunThatStoppedElsewhere) {
  Edited run;
  run.before<PrewarmEnd>(offer(kSilu, "b-other")).drop<Step>().drop<RunEnd>();
  run.add(lookup("gelu_forward", "b-gelu", false));
  const Report report = run.report();
  EXPECT_THAT(causes_of(report), ElementsAre("prewarm_key_collision", "prewarm_missing"));
  EXPECT_EQ(explained(report, "DS-1"), (std::map<std::string, std::string>{{"", "prewarm_missing"}}));
}

TEST(Collision, NamesTheKeyUnderWhichMostBodiesWereOffered) {
  Edited run;
  for (const auto& [key, bodies] : {std::pair("a", 2), std::pair("b", 3), std::pair("c", 2)})
    for (int body = 0; body < bodies; ++body)
      run.before<PrewarmEnd>(offer(key, std::string(key) + std::to_string(body)));
  EXPECT_THAT(run.report().causes.at(0).text,
              HasSubstr("3 bodies offered under one key `b` (and more under 2 other keys)"));
}

TEST(Collision, TakesTheWrongBodiesOfItsOwnKeysAlone) {
  Edited run;
  run.before<PrewarmEnd>(offer(kSilu, "b-other")).add(lookup(kSilu, "b-other", true));
  run.add(lookup(kRope, "b-another", true));
  const Report report = run.report();
  EXPECT_THAT(causes_of(report), ElementsAre("prewarm_key_collision", "prewarm_body_mismatch"));
  std::map<std::string, std::string> wrong_bodies;
  for (const Finding& finding : report.findings)
    if (finding.kind == "body_mismatch") wrong_bodies[finding.key] = finding.explained_by;
  EXPECT_THAT(wrong_bodies,
              ElementsAre(std::pair(kRope, "prewarm_body_mismatch"), std::pair(kSilu, "prewarm_key_collision")));
}

TEST(SilentCache, IsACauseWhereAStepAMarkOrAGoodEndShowsThatKernelsRan) {
  Edited silent;
  silent.drop<Offer>().drop<Compile>().drop<Load>().drop<Lookup>();
  Edited nothing = silent, steps = silent, marks = silent, end = silent;
  nothing.drop<Step>().drop<RunEnd>().drop<PrewarmBegin>().drop<PrewarmEnd>();
  steps.drop<RunEnd>().drop<PrewarmBegin>().drop<PrewarmEnd>();
  marks.drop<RunEnd>().drop<Step>();
  end.drop<Step>().drop<PrewarmBegin>().drop<PrewarmEnd>();
  EXPECT_THAT(causes_of(nothing.report()), Not(Contains("cache_silent")));
  for (const Edited& worked : {steps, marks, end}) EXPECT_THAT(causes_of(worked.report()), Contains("cache_silent"));
}

TEST(Evicted, StandsUpstreamOfALateLoad) {
  Edited run("evicted");
  run.add(Load{"m-new", "kernels", "gelu_forward", "sm_89", 2048, true, ""});
  EXPECT_THAT(causes_of(run.report()), ElementsAre("kernel_evicted", "late_load"));
}

TEST(LossNotFinite, TakesACheckpointThatIsNotFinite) {
  Edited run;
  run.each<Checkpoint>([](Checkpoint& checkpoint) { checkpoint.finite = false; });
  EXPECT_EQ(finding_of(run.report(), "DS-5", "not_finite")->explained_by, "") << "the losses do not tell why";
  run.each<Step>([](Step& step) { step.loss = step.step == 5 ? NAN : *step.loss; });
  EXPECT_EQ(finding_of(run.report(), "DS-5", "not_finite")->explained_by, "loss_not_finite");
}

// A process that asked for nothing stopped at no miss, though it made no step either.
TEST(TheStop, IsNoMissOfAProcessThatMissedNothing) {
  Edited run;
  run.before<Step>(lookup("gelu_forward", "b-gelu", false)).drop<RunEnd>().add(Note{"an idle rank", ""}, kOtherPid);
  run.each<RunStart>([](RunStart& start) { start.config_json = R"({"steps":13})"; });
  const Report report = run.report();
  EXPECT_THAT(causes_of(report), ElementsAre("prewarm_missing"));
  EXPECT_EQ(finding_of(report, "DS-1", "too_few_steps")->explained_by, "");
}

TEST(Report, KeepsAThousandFindingsOfAClauseAndItsCausesCountAll) {
  Edited run;
  for (std::size_t i = 0; i <= kFindingsOfClauseMax; ++i) run.add(lookup("k" + std::string(i, 'x'), "b", false));
  run.add(Load{"m-new", "kernels", "gelu_forward", "sm_89", 2048, true, ""});
  const Report report = run.report();
  EXPECT_EQ(report.findings_left_out, 1U);
  EXPECT_EQ(explained(report, "KC-2").size(), kFindingsOfClauseMax);
  EXPECT_TRUE(finding_of(report, "KC-3", "late_load")) << "each clause has a thousand of its own";
  EXPECT_EQ(report.causes.at(0).explains, kFindingsOfClauseMax + 1);
}

TEST(Verdict, IsOpenWhereNoClausePasses) {
  Policy policy;
  policy.judge_kernel_cache = policy.judge_distillation = false;
  EXPECT_EQ(Edited().report(policy).verdict, Verdict::inconclusive);
}

}  // namespace
}  // namespace smgate::contract
