// The reference workload's faults as recorded, and failing runs along a branch: what must be said of each.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "common/contract/judge.hpp"
#include "common/contract/signature.hpp"
#include "tests/contract/cases.hpp"
#include "tests/contract/edited.hpp"

namespace smgate::contract {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const fs::path kFaults = fs::path(SMGATE_SOURCE_DIR) / "tests/contract/cases/faults";

TEST(Faults, AreExplainedOnBothArchitectures) {
  const json expected = json::parse(text_of(kFaults / "expected.json"));
  EXPECT_EQ(expected.size(), 12U);  // eleven, and the healthy run
  for (const auto& [fault, architectures] : expected.items())
    for (const auto& [arch, causes] : architectures.items()) {
      const Report report = judge(fold_all(events_of(text_of(kFaults / (fault + "-" + arch + ".jsonl")))), {});
      json found = json::array();
      for (const Cause& cause : report.causes) found.push_back(cause.id);
      EXPECT_EQ(found, causes) << fault << " on " << arch;
      EXPECT_EQ(report.unexplained(), 0U) << fault << " on " << arch;
      EXPECT_EQ(report.verdict == Verdict::pass, fault == "healthy") << fault << " on " << arch;
    }
}

// For each run: its first cause, how many are alike by then while their keys differ, and whether that is the signal.
json told_of(const CaseOfSeveral& branch) {
  json told = json::array();
  std::vector<FailureSign> failures;
  for (std::size_t i = 1; branch.lines.contains(std::to_string(i)); ++i) {
    const Facts facts = fold_all(events_of(branch.lines.at(std::to_string(i))));
    const Report report = judge(facts, branch.policy);
    failures.push_back(failure_sign(facts, report));
    const std::optional<Resemblance> seen = resemblance(failures);
    const std::string cause = report.causes.empty() ? "" : report.causes.front().id;
    told.push_back({cause, seen ? seen->alike : 0, seen && seen->signal});
  }
  return told;
}

TEST(Branch, TellsWhenFailuresAreAlikeWhileTheirKeysDiffer) {
  const std::vector<CaseOfSeveral> branches = cases_of("branches");
  EXPECT_GE(branches.size(), 4U);
  for (const CaseOfSeveral& branch : branches) EXPECT_EQ(told_of(branch), branch.expected) << branch.name;
}

TEST(Resemblance, SaysTheSignalInWords) {
  const std::optional<Resemblance> seen = resemblance({{"error n", "a"}, {"error n", "b"}, {"error n", "c"}});
  ASSERT_TRUE(seen);
  EXPECT_EQ(
      seen->text,
      "3 runs of this branch failed alike while the keys they miss differ: the cause lies upstream of every one of "
      "them (\"error n\")");
  EXPECT_FALSE(resemblance({{"", "a"}, {"", "b"}, {"", "c"}}));
  EXPECT_FALSE(resemblance({}));
}

TEST(SignatureOf, LeavesOutWhatDiffersBetweenRunsOfOneFailure) {
  const std::string one =
      signature_of("CUDA error 700 at 0x7f12a0: stream 3 in `silu` (/tmp/job-1/a.rs:31, 12:01:07.3)");
  EXPECT_EQ(one, signature_of("CUDA error 700 at 0x7fe9: stream 12 in `gelu_2` (/tmp/job-22/a.rs:40, 13:59:00.1)"));
  EXPECT_EQ(one, "cuda error n at n stream n in path n");
  EXPECT_EQ(signature_of("block 1 2 3 of deadbeefdeadbeef"), "block n of n");
  EXPECT_NE(one, signature_of("CUDA error 2: out of memory"));
  for (const char* odd : {"", "`", "````", "///", "\xFF\x01", ":::"}) (void)signature_of(odd);
  EXPECT_LE(signature_of(std::string(100'000, 'a') + std::string(100'000, ' ')).size(), 512U);
}

// The keys stand in the errors as words without a digit, which a signature would keep.
TEST(FailureSign, LeavesOutTheRunsOwnKeysButNoShortOnes) {
  const auto sign = [](const std::string& key, const std::string& text) {
    Edited run;
    run.drop<RunEnd>().add(Lookup{"model", "kernels", key, "b", false, ""}).add(RunEnd{"failed", text});
    const Facts facts = run.facts();
    return failure_sign(facts, judge(facts, {})).signature;
  };
  EXPECT_EQ(sign("gelu_forward", "launch of gelu_forward failed"), "launch of failed");
  EXPECT_EQ(sign("tanh_backward", "launch of tanh_backward failed"), "launch of failed");
  EXPECT_EQ(sign("of", "launch of kernel failed"), "launch of kernel failed");
}

// A log that tells no lookups still tells which compiles came late.
TEST(FailureSign, KnowsTheMissingKeysByLateCompilesWhereNoLookupIsTold) {
  const auto missing = [](const std::string& key) {
    Edited run;
    run.drop<Lookup>().add(Compile{"kernels", key, "b", "sm_89", 2048, 1.5, true, "", ""});
    const Facts facts = run.facts();
    return failure_sign(facts, judge(facts, {})).missing_digest;
  };
  EXPECT_NE(missing("gelu"), "");
  EXPECT_NE(missing("gelu"), missing("tanh"));
}

}  // namespace
}  // namespace smgate::contract
