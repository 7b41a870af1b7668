// Each fault's events, judged: the contract's own table says what comes first, on each architecture.
#include "smgate/coverage.hpp"
#include "tests/workload/judged.hpp"

namespace smgate::workload::test {
namespace {

using contract::Outcome;
using contract::Report;
using contract::Verdict;
using Causes = std::vector<std::string>;

struct Row {
  const char* fault;
  Causes tolerant;  // sm_89: every cause, upstream first
  Causes strict;    // sm_121, which stops at the first kernel that is not there
};

const std::vector<Row> kTable = {
    {"unused-prewarm", {"prewarm_waste"}, {"prewarm_waste"}},
    {"oversized-workspace", {"workspace_over_budget"}, {"workspace_over_budget"}},
    {"apr-weights", {"weights_container_mismatch"}, {"weights_container_mismatch"}},
    {"skipped-prewarm", {"prewarm_skipped"}, {"prewarm_skipped"}},
    {"missing-stage", {"prewarm_missing"}, {"prewarm_missing"}},
    {"silent-cache", {"cache_silent"}, {"cache_silent"}},
    {"shared-key", {"prewarm_key_collision"}, {"prewarm_key_collision"}},
    {"short-key", {"prewarm_key_drift", "prewarm_missing"}, {"prewarm_key_drift"}},
    {"degenerate-batch", {"degenerate_batch"}, {"degenerate_batch"}},
    {"wrong-eps", {"prewarm_key_drift"}, {"prewarm_key_drift"}},
    {"wrong-body", {"prewarm_body_mismatch"}, {"prewarm_body_mismatch"}},
};

Report faulty_report(const std::string& fault, const std::string& arch) {
  return judged_run(arch, {"--fault", fault, "--steps", kJudgedSteps});
}

// Independent causes stand beside the first; others say whose consequence they are.
void expect_causes(const Report& report, const Causes& expected) {
  Causes independent;
  for (const contract::Cause& cause : report.causes) {
    if (cause.consequence_of.empty()) independent.push_back(cause.id);
  }
  EXPECT_EQ(independent, expected);
  EXPECT_EQ(causes_of(report).at(0), expected.at(0));
  EXPECT_EQ(report.unexplained(), 0u);
  EXPECT_NE(report.verdict, Verdict::pass);
}

TEST(Faults, AreTheWholeTable) {
  std::vector<std::string_view> names;
  for (const Row& row : kTable) names.push_back(row.fault);
  EXPECT_EQ(names, fault_names());
}

TEST(Faults, AreNamedByTheirCauseOnSm89) {
  for (const Row& row : kTable) {
    SCOPED_TRACE(row.fault);
    expect_causes(faulty_report(row.fault, "sm_89"), row.tolerant);
  }
}

TEST(Faults, AreNamedByTheirCauseOnSm121) {
  for (const Row& row : kTable) {
    SCOPED_TRACE(row.fault);
    expect_causes(faulty_report(row.fault, "sm_121"), row.strict);
  }
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

TEST(Healthy, PassesWithoutAFindingOnTwentySeedsOfTwenty) {
  for (int seed = 0; seed < 20; ++seed) {
    const std::string arch = seed % 2 == 0 ? "sm_89" : "sm_121";
    const Report report = judged_run(arch, {"--seed", std::to_string(seed), "--steps", kJudgedSteps});
    EXPECT_EQ(report.verdict, Verdict::pass) << seed;
    EXPECT_TRUE(report.findings.empty()) << seed;
    EXPECT_TRUE(report.warnings.empty()) << seed;
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
