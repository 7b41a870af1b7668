// A clause as code: one rule a file, each pure. The table in rules.cpp orders them; judge runs them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/contract/compare.hpp"
#include "common/contract/facts.hpp"
#include "common/contract/job_facts.hpp"
#include "common/contract/policy.hpp"
#include "common/contract/report.hpp"

namespace smgate::contract {

struct Judgement {
  Outcome outcome = Outcome::pass;
  std::string reason;
  std::vector<Finding> findings;
  std::vector<Warning> warnings;
};

enum class Contract { kernel_cache, distillation, any };

// By what it reads: one run, a job with the runs beside its own, or the runs of several architectures.
struct Rule {
  std::string_view id;
  std::string_view title;  // for a person
  Contract contract;
  Judgement (*judge)(const Facts&, const Policy&) = nullptr;
  Judgement (*judge_job)(const JobFacts&, const Policy&) = nullptr;
  Judgement (*compare)(const std::vector<ArchFacts>&, const Policy&) = nullptr;
};

// All clauses, kernel cache first, each contract in the order of its ids.
std::span<const Rule> rules();

// Whether a stage of the run feeds the rule's contract, and what is said where none does.
bool is_fed(const Rule& rule, const Policy& policy);
Judgement not_fed();
void add_judgement(const Rule& rule, Judgement judgement, Report& report);
// Leaves out what is beyond kFindingsOfClauseMax. After the causes, which count all of them.
void bound_findings(Report& report);

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
Judgement judge_kc_9(const JobFacts& facts, const Policy& policy);
Judgement judge_ds_9(const JobFacts& facts, const Policy& policy);
Judgement compare_kc_8(const std::vector<ArchFacts>& required, const Policy& policy);
Judgement compare_ds_7(const std::vector<ArchFacts>& required, const Policy& policy);
Judgement compare_ds_8(const std::vector<ArchFacts>& required, const Policy& policy);

// --- what several rules say

inline Judgement inconclusive(std::string reason) { return {Outcome::inconclusive, std::move(reason), {}, {}}; }
inline Judgement not_applicable(std::string reason) { return {Outcome::not_applicable, std::move(reason), {}, {}}; }

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
