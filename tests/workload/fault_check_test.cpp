// The root cause in detail, and that a healthy run is green. tests/integration/faults_test.py holds every fault against
// the contract's table, by the programs themselves.
#include "smgate/coverage.hpp"
#include "tests/workload/judged.hpp"

namespace smgate::workload::test {
namespace {

using contract::Report;
using contract::Verdict;

Report faulty_report(const std::string& fault, const std::string& arch) {
  return judged_run(arch, {"--fault", fault, "--steps", kJudgedSteps});
}

TEST(SharedKeyCheck, Sm89LearnsAndFailsByOneCauseForEveryMissingKey) {
  const Report report = faulty_report("shared-key", "sm_89");
  EXPECT_EQ(report.verdict, Verdict::fail);
  EXPECT_TRUE(report.summary.completed);
  EXPECT_LT(*report.summary.final_loss, *report.summary.initial_loss);
  EXPECT_EQ(failed(report), (std::set<std::string>{"KC-2", "KC-3", "KC-4"}));
  EXPECT_EQ(count(report, "KC-2", "collided"), 52u);
  ASSERT_EQ(report.causes.size(), 1u);
  EXPECT_EQ(report.causes[0].explains, report.findings.size());
}

TEST(SharedKeyCheck, Sm121StopsWithASymptomThatNamesNoKernel) {
  const Report report = faulty_report("shared-key", "sm_121");
  EXPECT_EQ(report.verdict, Verdict::fail);
  EXPECT_FALSE(report.summary.completed);
  EXPECT_EQ(report.summary.steps, 0u);
  for (const contract::Finding& finding : report.findings) {
    EXPECT_TRUE(finding.key.empty() || report.summary.symptom.find(finding.key) == std::string::npos) << finding.key;
  }
  EXPECT_EQ(count(report, "KC-2", "collided"), 1u);
  ASSERT_EQ(report.causes.size(), 1u);
  EXPECT_EQ(report.causes[0].explains, report.findings.size());
}

// The helper that programs put into their own tests uses the gate's words.
TEST(CoverageHelper, SaysOfEveryKeyWhatTheContractSays) {
  for (const char* fault : {"short-key", "wrong-eps", "missing-stage"}) {
    const SmokeRun run = faulty(fault, "sm_89", "1");
    std::vector<std::string> offered, asked;
    for (const std::string& line : run.of("offer")) offered.push_back(field(line, "key"));
    for (const std::string& line : run.of("lookup")) asked.push_back(field(line, "key"));
    std::map<std::string, std::string> by_helper, by_contract;
    for (const auto& key : coverage::uncovered(offered, asked)) by_helper[key.key] = key.nearest;
    for (const contract::Finding& finding : judged(run).findings) {
      if (finding.clause == "KC-2") by_contract[finding.key] = finding.nearest_key;
    }
    EXPECT_FALSE(by_helper.empty());
    EXPECT_EQ(by_helper, by_contract) << fault;
  }
}

TEST(Healthy, PassesWithoutAFindingOnTwentySeedsOfTwentyOnBoth) {
  for (int seed = 0; seed < 20; ++seed)
    for (const char* arch : {"sm_89", "sm_121"}) {
      const Report report = judged_run(arch, {"--seed", std::to_string(seed), "--steps", kJudgedSteps});
      EXPECT_EQ(report.verdict, Verdict::pass) << arch << seed;
      EXPECT_TRUE(report.findings.empty()) << arch << seed;
      EXPECT_TRUE(report.warnings.empty()) << arch << seed;
    }
}

TEST(Healthy, PassesAtTheScalesOwnLengthOnBoth) {
  for (const char* arch : {"sm_89", "sm_121"}) {
    const Report report = judged_run(arch, {});
    EXPECT_EQ(report.verdict, Verdict::pass);
    EXPECT_TRUE(report.findings.empty());
    EXPECT_EQ(report.summary.steps, 62u);
  }
}

}  // namespace
}  // namespace smgate::workload::test
