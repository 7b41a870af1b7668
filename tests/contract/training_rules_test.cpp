// The conditions of the distillation clauses one by one: the healthy run, changed in one thing, and what is said of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "common/contract/compare.hpp"
#include "common/contract/job_facts.hpp"
#include "tests/contract/edited.hpp"

namespace smgate::contract {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

Step step(std::uint64_t number, double loss) {
  Step made;
  made.step = number;
  made.loss = loss;
  made.grad_norm = 1.0;
  return made;
}

// The case's twelve steps with these losses; where `losses` is shorter, so is the run, and what it declares.
Edited with_losses(const std::vector<double>& losses) {
  Edited run;
  run.drop<Step>();
  for (std::size_t i = 0; i < losses.size(); ++i) run.add(step(i, losses[i]));
  run.each<RunStart>(
      [&](RunStart& start) { start.config_json = R"({"steps":)" + std::to_string(losses.size()) + "}"; });
  return run;
}

std::vector<double> falling(std::size_t count, double by = 0.9) {
  std::vector<double> losses;
  for (std::size_t i = 0; i < count; ++i) losses.push_back(2 * std::pow(by, static_cast<double>(i)));
  return losses;
}

TEST(Steps, MustBeAsManyAsThePolicyAsks) {
  EXPECT_THAT(said(with_losses(falling(10)), "DS-1"), StartsWith("pass"));
  EXPECT_THAT(said(with_losses(falling(9)), "DS-1"), StartsWith("fail"));
  EXPECT_THAT(said(with_losses(falling(9)), "DS-3"), HasSubstr("inconclusive: 9 losses show no trend"));
}

TEST(Steps, MustBeAsManyAsDeclaredNoFewerNoMore) {
  const auto declared = [](int steps) {
    return Edited().each<RunStart>(
        [steps](RunStart& start) { start.config_json = R"({"steps":)" + std::to_string(steps) + "}"; });
  };
  EXPECT_THAT(said(declared(12), "DS-1"), StartsWith("pass"));
  EXPECT_TRUE(finding_of(declared(13).report(), "DS-1", "too_few_steps"));
  EXPECT_TRUE(finding_of(declared(11).report(), "DS-1", "too_many_steps"));
}

TEST(Steps, ThatComeAgainAreAFinding) {
  EXPECT_TRUE(finding_of(Edited().add(step(3, 1.0)).report(), "DS-1", "repeated_steps"));
}

TEST(Steps, AreJudgedAsFarAsTheyWereDeclaredWhereTheEndIsNotReported) {
  EXPECT_THAT(said(Edited().drop<RunEnd>(), "DS-1"), StartsWith("pass"));
  Edited undeclared;
  undeclared.drop<RunEnd>().each<RunStart>([](RunStart& start) { start.config_json = "{}"; });
  EXPECT_THAT(said(undeclared, "DS-1"), HasSubstr("inconclusive: the run did not report a good end"));
}

TEST(Values, OfEveryRankMustBeFinite) {
  Step infinite = step(0, INFINITY);
  const Report report = Edited().add(infinite, kOtherPid).report();
  EXPECT_TRUE(finding_of(report, "DS-2", "loss_not_finite"));
}

TEST(Values, ThatRepeatThreeTimesMayBeAllowed) {
  std::vector<double> losses = falling(12);
  losses[5] = losses[6] = losses[4];
  EXPECT_THAT(said(with_losses(losses), "DS-2"), StartsWith("fail"));
  Policy policy;
  policy.allow_repeated_loss = true;
  EXPECT_THAT(said(with_losses(losses), "DS-2", policy), StartsWith("pass"));
}

TEST(TheLoss, EndsAtTheMedianOfItsLastThree) {
  std::vector<double> one_lucky(12, 0), one_unlucky = falling(12);
  for (std::size_t i = 0; i < one_lucky.size(); ++i) one_lucky[i] = 2 - 0.001 * static_cast<double>(i);
  one_lucky[11] = 0.1;
  EXPECT_TRUE(finding_of(with_losses(one_lucky).report(), "DS-3", "loss_not_falling"));
  one_unlucky[11] = 1.99;
  EXPECT_FALSE(finding_of(with_losses(one_unlucky).report(), "DS-3", "loss_not_falling"));
  one_unlucky[11] = one_unlucky[9] = 1.99;  // not the middle one of the three, and two of them are high
  EXPECT_TRUE(finding_of(with_losses(one_unlucky).report(), "DS-3", "loss_not_falling"));
}

TEST(TheLoss, FallsByTheMarginAndStrictly) {
  Policy none, much;
  none.loss_margin = 0;
  much.loss_margin = 0.9;
  EXPECT_THAT(said(with_losses(falling(12)), "DS-3", none), StartsWith("pass"));
  EXPECT_TRUE(finding_of(with_losses(falling(12)).report(much), "DS-3", "loss_not_falling"));
  EXPECT_TRUE(finding_of(with_losses(std::vector<double>(12, 2.0)).report(none), "DS-3", "loss_not_falling"));
}

TEST(TheLoss, HasATrendNotALuckyEnd) {
  std::vector<double> losses = {2, 2.1, 2.2, 2.3, 2.4, 2.5, 2.6, 2.7, 2.8, 1.0, 1.1, 1.2};
  const Report report = with_losses(losses).report();
  EXPECT_FALSE(finding_of(report, "DS-3", "loss_not_falling"));
  EXPECT_TRUE(finding_of(report, "DS-3", "no_downward_trend"));
}

TEST(TheLoss, IsLeftOpenWhereItIsNotWhole) {
  std::vector<double> losses = falling(12);
  losses[4] = NAN;
  EXPECT_THAT(said(with_losses(losses), "DS-3"), HasSubstr("inconclusive: the losses are not finite: see DS-2"));
  Edited gap;
  gap.each<Step>([](Step& one) { one.loss = one.step == 4 ? std::nullopt : one.loss; });
  EXPECT_THAT(said(gap, "DS-3"), HasSubstr("inconclusive: losses are missing: see DS-1"));
  EXPECT_THAT(said(gap, "DS-2"), HasSubstr("inconclusive: losses are missing: see DS-1"));
}

TEST(TheBatch, MustBeOneAndFrozenByTheRunsOrTheGateFilesWord) {
  Policy declared;
  declared.frozen_batch_declared = true;
  EXPECT_THAT(said(Edited().drop<Batch>(), "DS-3"), HasSubstr("inconclusive: nobody attests"));
  EXPECT_THAT(said(Edited().drop<Batch>(), "DS-3", declared), StartsWith("pass"));
  Batch another;
  another.frozen = true;
  another.digest = "another";
  EXPECT_THAT(said(Edited().add(another), "DS-3"), HasSubstr("and reports several"));
  another.frozen = false;
  EXPECT_THAT(said(Edited().add(another), "DS-3", declared), HasSubstr("a batch of the run is not frozen"));
}

TEST(TheBatch, HoldsNoEqualInputsOfOtherLabelsBeyondThePolicy) {
  Edited run;
  run.each<Batch>([](Batch& batch) { batch.inputs = {"p1", "p1", "p3", "p4"}; });
  EXPECT_TRUE(finding_of(run.report(), "DS-4", "conflicting_labels"));
  Policy half;
  half.conflicting_label_share = 0.5;
  EXPECT_THAT(said(run, "DS-4", half), StartsWith("pass"));
}

TEST(TheBatch, WithoutInputsOrOfOneInputIsNotLearned) {
  Edited empty, alike;
  empty.each<Batch>([](Batch& batch) { batch.inputs.clear(), batch.labels.clear(); });
  EXPECT_THAT(said(empty, "DS-4"), HasSubstr("inconclusive: a batch was reported without inputs and labels"));
  alike.each<Batch>([](Batch& batch) { batch.inputs = {"p", "p", "p", "p"}; });
  EXPECT_TRUE(finding_of(alike.report(), "DS-4", "inputs_alike"));
}

// Two labels of one input, equally often: ln 2 nats for those two positions of four.
TEST(TheBatch, AllowsNoLossAtItsFloor) {
  const double floor = std::log(2.0) / 2;
  const auto outcome = [&](std::optional<double> ce, double loss) {
    Edited run = with_losses(falling(12));
    run.each<Batch>([](Batch& batch) { batch.inputs = {"p1", "p1", "p3", "p4"}; });
    run.each<Step>([&](Step& one) { one.ce = ce, one.loss = loss * std::pow(0.9, static_cast<double>(one.step)); });
    run.each<RunStart>([](RunStart& start) { start.config_json = R"({"steps":12,"alpha":0.5})"; });
    return finding_of(run.report(), "DS-4", "contract_unsatisfiable").has_value();
  };
  EXPECT_TRUE(outcome(floor * 0.999, 2));
  EXPECT_FALSE(outcome(floor * 1.001, 0.01)) << "the CE is known, so the loss is not asked";
  EXPECT_TRUE(outcome(std::nullopt, floor / 2 * 0.999));
  EXPECT_FALSE(outcome(std::nullopt, floor / 2 * 1.001));
}

TEST(TheCheckpoint, IsLeftOpenForWhatNobodySays) {
  const auto without = [](const std::function<void(Checkpoint&)>& change) {
    return said(Edited().each<Checkpoint>(change), "DS-5");
  };
  EXPECT_THAT(without([](Checkpoint& c) { c.container.clear(); }),
              HasSubstr("inconclusive: nobody says what container"));
  EXPECT_THAT(without([](Checkpoint& c) { c.whole.reset(); }),
              HasSubstr("inconclusive: nobody says whether the checkpoint is whole"));
  EXPECT_THAT(without([](Checkpoint& c) { c.finite.reset(); }), HasSubstr("values are finite"));
  EXPECT_THAT(without([](Checkpoint& c) {
                c.tensors_changed.reset();
                c.initial_digest.clear();
              }),
              HasSubstr("inconclusive: nobody compared the checkpoint"));
  EXPECT_THAT(said(Edited().drop<Checkpoint>(), "DS-5"), HasSubstr("inconclusive: no checkpoint was reported"));
}

TEST(TheCheckpoint, ThatIsUnchangedByCountOrByDigestShowsNoTraining) {
  Edited count, digest;
  count.each<Checkpoint>([](Checkpoint& c) { c.tensors_changed = 0, c.initial_digest = "a", c.final_digest = "b"; });
  digest.each<Checkpoint>([](Checkpoint& c) { c.tensors_changed = 3, c.initial_digest = c.final_digest = "a"; });
  EXPECT_TRUE(finding_of(count.report(), "DS-5", "unchanged"));
  EXPECT_TRUE(finding_of(digest.report(), "DS-5", "unchanged"));
}

TEST(Gradients, MustBeReportedAndAboveZeroOnce) {
  Edited none, zero;
  none.each<Step>([](Step& one) { one.grad_norm.reset(); });
  EXPECT_THAT(said(none, "DS-5"), HasSubstr("inconclusive: no gradient norm was reported"));
  zero.each<Step>([](Step& one) { one.grad_norm = 0; });
  EXPECT_TRUE(finding_of(zero.report(), "DS-5", "no_gradient"));
}

TEST(Declared, IsComparedAsNumbersAndWhatTheRunDoesNotSayIsOpen) {
  const auto outcome = [](const std::string& name, const std::string& value) {
    Policy policy;
    policy.declared = {{name, value}};
    return said(Edited(), "DS-6", policy);
  };
  EXPECT_THAT(outcome("learning_rate", "\"1.5e-5\""), StartsWith("pass"));
  EXPECT_THAT(outcome("learning_rate", "1.4999999621e-05"), StartsWith("pass")) << "it went through binary32";
  EXPECT_THAT(outcome("learning_rate", "1.6e-05"), StartsWith("fail"));
  EXPECT_THAT(outcome("steps", "50"), StartsWith("fail"));
  EXPECT_THAT(outcome("temperature", "4"), HasSubstr("inconclusive: the run does not say its temperature"));
}

TEST(Declared, ByTheGateFileCountsBeforeWhatAManifestSays) {
  Edited run;
  run.each<RunStart>([](RunStart& start) {
    start.config_json = R"({"steps":12,"learning_rate":1.5e-05,"manifest":{"learning_rate":1.6e-05}})";
  });
  EXPECT_THAT(said(run, "DS-6"), StartsWith("fail"));
  Policy policy;
  policy.declared = {{"learning_rate", "1.5e-05"}};
  EXPECT_THAT(said(run, "DS-6", policy), StartsWith("pass"));
}

TEST(Declared, StepsOfARunThatStoppedAreAnotherClausesToTell) {
  Policy policy;
  policy.declared = {{"steps", "50"}};
  EXPECT_FALSE(finding_of(Edited().drop<RunEnd>().report(policy), "DS-6", "configuration_mismatch"));
}

// A control runs ten steps, or as few as the job's own runs may have.
TEST(Controls, AreJudgedHoweverManyStepsTheJobMustRun) {
  for (const auto& [min_steps, control_steps] : {std::pair(50, 10), std::pair(5, 5)}) {
    Policy policy;
    policy.controls = {"lr0"};
    policy.min_steps = min_steps;
    JobFacts job{Edited().facts(), std::nullopt, {}};
    job.controls["lr0"] = with_losses(std::vector<double>(static_cast<std::size_t>(control_steps), 2.0)).facts();
    EXPECT_THAT(said(judge(job, policy), "DS-9"), StartsWith("pass")) << min_steps;
  }
}

Report of_two(const Edited& left, const Edited& right) {
  const Facts a = left.facts(), b = right.facts();
  return compare({{"sm_89", &a, nullptr}, {"sm_121", &b, nullptr}}, {});
}

TEST(Curves, AreComparedOnlyFromKnownWeightsAndTokens) {
  const Edited a("runs/agree/sm_89"), b("runs/agree/sm_121");
  EXPECT_THAT(said(of_two(a, b), "DS-7"), StartsWith("pass"));
  Edited no_weights = b, no_tokens = b, gap = b;
  no_weights.each<Weights>([](Weights& weights) { weights.digest.clear(); });
  no_weights.each<Checkpoint>([](Checkpoint& checkpoint) { checkpoint.initial_digest.clear(); });
  no_tokens.drop<Batch>();
  gap.each<Step>([](Step& one) { one.loss = one.step == 2 ? std::nullopt : one.loss; });
  EXPECT_THAT(said(of_two(a, no_weights), "DS-7"),
              HasSubstr("inconclusive: sm_89 and sm_121 do not both say which weights"));
  EXPECT_THAT(said(of_two(a, no_tokens), "DS-7"),
              HasSubstr("inconclusive: sm_89 and sm_121 do not both say which tokens"));
  EXPECT_THAT(said(of_two(a, gap), "DS-7"), HasSubstr("inconclusive: losses of sm_121 are missing"));
}

TEST(Speed, IsTheMedianStepsAgainstTheBasesAndTellsTheRatio) {
  const Edited now("runs/as_fast/sm_121");
  const auto against_base = [&](const Edited& run, const Edited& base) {
    const Facts facts = run.facts(), then = base.facts();
    return said(compare({{"sm_89", &facts, &then}, {"sm_121", &facts, nullptr}}, {}), "DS-8");
  };
  Edited one_slow_step = now, stopped = now;
  one_slow_step.each<Step>([](Step& one) { one.ms = one.step == 3 ? 1e6 : *one.ms; });
  stopped.drop<RunEnd>();
  EXPECT_THAT(against_base(one_slow_step, now), StartsWith("pass"));
  EXPECT_THAT(against_base(now, now), HasSubstr("; sm_121 at 1 of sm_89"));
  EXPECT_THAT(against_base(stopped, now), HasSubstr("not_applicable: sm_89: the run did not complete"));
}

}  // namespace
}  // namespace smgate::contract
