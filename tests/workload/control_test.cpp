// The negative controls: each must fail its clauses, and what fails beside them is said here with the reason (DS-9).
#include <cmath>

#include "tests/workload/judged.hpp"

namespace smgate::workload::test {
namespace {

using contract::Report;
using contract::Verdict;
using Clauses = std::set<std::string>;

Report control_report(const std::string& control, const std::string& arch) {
  const Report report = judged(smoke({"--arch", arch, "--control", control}));
  EXPECT_EQ(report.verdict, Verdict::fail);
  EXPECT_EQ(*report.summary.declared_steps, kControlSteps);
  return report;
}

TEST(Lr0, FailsTheFallingLossAndWhatStandsStillWithIt) {
  for (const char* arch : {"sm_89", "sm_121"}) {
    const Report report = control_report("lr0", arch);
    // No weight moves: the loss repeats exactly (DS-2) and the checkpoint is the initial one (DS-5).
    EXPECT_EQ(failed(report), (Clauses{"DS-2", "DS-3", "DS-5"})) << arch;
    EXPECT_EQ(count(report, "DS-3", "loss_not_falling"), 1u);
    EXPECT_EQ(*report.summary.initial_loss, *report.summary.final_loss);
  }
}

TEST(ShuffledLabels, FailTheBatchAlone) {
  for (const char* arch : {"sm_89", "sm_121"}) {
    const Report report = control_report("shuffled-labels", arch);
    EXPECT_EQ(failed(report), (Clauses{"DS-4"})) << arch;
    EXPECT_EQ(count(report, "DS-4", "conflicting_labels"), 1u);
  }
}

TEST(NoPrewarm, FailsCoverageAndLateCompiles) {
  const Report report = control_report("no-prewarm", "sm_89");
  EXPECT_EQ(failed(report), (Clauses{"KC-2", "KC-3"}));
  EXPECT_EQ(count(report, "KC-2", "skipped"), 53u);
  // sm_121 stops at the first kernel, before any step.
  EXPECT_EQ(failed(control_report("no-prewarm", "sm_121")), (Clauses{"KC-2", "KC-3", "DS-1"}));
}

TEST(Nan, FailsFinitenessHereAndInTheCheckpoint) {
  for (const char* arch : {"sm_89", "sm_121"}) {
    const Report report = control_report("nan", arch);
    EXPECT_EQ(failed(report), (Clauses{"DS-2", "DS-5"})) << arch;
    EXPECT_EQ(count(report, "DS-2", "grad_norm_not_finite"), 1u);
    EXPECT_FALSE(std::isnan(*report.summary.initial_loss));
    EXPECT_TRUE(std::isnan(*report.summary.final_loss));
  }
}

TEST(Controls, DifferFromAShortHealthyRunByTheirDefectAlone) {
  EXPECT_EQ(control_names(), (std::vector<std::string_view>{"lr0", "shuffled-labels", "no-prewarm", "nan"}));
  for (const char* arch : {"sm_89", "sm_121"}) {
    const Report report = judged_run(arch, {"--steps", std::to_string(kControlSteps)});
    EXPECT_EQ(report.verdict, Verdict::pass);
    EXPECT_TRUE(report.findings.empty());
  }
}

TEST(Controls, TakeAUsersListToo) {
  static int calls = 0;
  const PrewarmList::Warm count_call = [](KernelCache&, const RunConfig&) { ++calls; };
  const SmokeRun run = smoke({"--arch", "sm_121", "--control", "no-prewarm"}, {count_call, count_call, count_call});
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(failed(judged(run)), (Clauses{"KC-2", "KC-3", "DS-1"}));
}

}  // namespace
}  // namespace smgate::workload::test
