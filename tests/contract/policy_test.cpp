#include "common/contract/policy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace smgate::contract {
namespace {

Result<Policy> read(const char* text) { return policy_from_json(nlohmann::json::parse(text), "gate"); }

TEST(Policy, HasTheContractsDefaults) {
  const Policy policy = read("{}").value();
  EXPECT_EQ(policy, Policy{});
  EXPECT_EQ(policy.loss_margin, 0.05);
  EXPECT_EQ(policy.mann_kendall_p, 0.01);
  EXPECT_EQ(policy.min_steps, 10);
  EXPECT_EQ(policy.waste_budget_bytes, 0);
  EXPECT_EQ(policy.workspace_share, 0.25);
}

TEST(Policy, SurvivesBeingStored) {
  const Policy policy = read(R"({"policy": {"loss_margin": 0.1, "declared": {"steps": 62, "math_mode": "bf16"},
      "run_time_ptx_declared": {"reason": "by design"}}, "contracts": ["kernel_cache"],
      "exceptions": [{"clause": "KC-6", "pattern": "*eps*", "reason": "both on purpose"}],
      "differences": [{"pattern": "gemm_*", "architectures": ["sm_121"], "reason": "no cuBLAS"}]})")
                            .value();
  EXPECT_FALSE(policy.judge_distillation);
  EXPECT_EQ(policy.run_time_ptx_declared, "by design");
  EXPECT_EQ(policy_from_json(to_json(policy), "stored").value(), policy);
}

TEST(Policy, NamesEveryMistakeByItsPointer) {
  const std::string text = read(R"({"policy": {"loss_margin": 2, "colour": 1, "declared": {"shapes": {}}},
      "exceptions": [{"clause": "KC-10", "pattern": "", "reason": " "}], "differences": [{}]})")
                               .error()
                               .text();
  for (const char* pointer :
       {"/policy/loss_margin", "/policy/colour", "/policy/declared/shapes", "/exceptions/0/clause",
        "/exceptions/0/pattern", "/exceptions/0/reason", "/differences/0/reason"})
    EXPECT_THAT(text, testing::HasSubstr(pointer));
}

TEST(MatchesPattern, KnowsStarAndQuestionMark) {
  EXPECT_TRUE(matches_pattern("*eps*", "norm_eps1"));
  EXPECT_TRUE(matches_pattern("gemm_??", "gemm_12"));
  EXPECT_TRUE(matches_pattern("a*b*c", "a-b-b-c"));
  EXPECT_FALSE(matches_pattern("gemm_??", "gemm_1"));
  EXPECT_FALSE(matches_pattern("", "x"));
  EXPECT_FALSE(matches_pattern("a*b", "a-b-c"));
}

TEST(MatchesPattern, IsNotSlowOnPatternsOfManyStars) {
  std::string pattern;
  for (int i = 0; i < 1000; ++i) pattern += "*a";
  EXPECT_FALSE(matches_pattern(pattern + "b", std::string(4000, 'a')));
}

}  // namespace
}  // namespace smgate::contract
