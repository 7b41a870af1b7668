// A clause as code: one rule a file, each pure. The table in rules.cpp orders them; judge runs them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/contract/facts.hpp"
#include "common/contract/policy.hpp"
#include "common/contract/report.hpp"

namespace smgate::contract {

struct Judgement {
  Outcome outcome = Outcome::pass;
  std::string reason;
  std::vector<Finding> findings;
  std::vector<Warning> warnings;
};

enum class Contract { kernel_cache, distillation };

struct Rule {
  std::string_view id;
  std::string_view title;  // for a person
  Contract contract;
  Judgement (*judge)(const Facts&, const Policy&);
};

std::span<const Rule> rules();

Judgement judge_kc_1(const Facts& facts, const Policy& policy);
Judgement judge_kc_2(const Facts& facts, const Policy& policy);
Judgement judge_kc_3(const Facts& facts, const Policy& policy);
Judgement judge_kc_4(const Facts& facts, const Policy& policy);
Judgement judge_kc_5(const Facts& facts, const Policy& policy);
Judgement judge_kc_6(const Facts& facts, const Policy& policy);
Judgement judge_kc_7(const Facts& facts, const Policy& policy);
Judgement judge_ds_1(const Facts& facts, const Policy& policy);
Judgement judge_ds_2(const Facts& facts, const Policy& policy);
Judgement judge_ds_3(const Facts& facts, const Policy& policy);
Judgement judge_ds_4(const Facts& facts, const Policy& policy);
Judgement judge_ds_5(const Facts& facts, const Policy& policy);
Judgement judge_ds_6(const Facts& facts, const Policy& policy);

// --- what several rules say

inline Judgement inconclusive(std::string reason) { return {Outcome::inconclusive, std::move(reason), {}, {}}; }

// A finding; or, where the policy declares an exception for its key, a warning that cites the reason.
void report_finding(Judgement& judgement, const Policy& policy, Finding finding);

// fail where there are findings; else inconclusive where `doubt` says why; else pass.
Judgement concluded(Judgement judgement, const std::string& doubt);

// Why the absence of bad news about kernels is no good news: no cache events, no mark, a run cut short, lines lost.
std::string doubt_about_kernels(const Facts& facts);
// Why the run may have gone on unseen: not completed, or telemetry lost. Empty: nothing.
std::string doubt_about_completeness(const Facts& facts);

// As Markdown and people quote code.
std::string quoted(std::string_view key);

}  // namespace smgate::contract
