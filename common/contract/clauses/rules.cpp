#include <spdlog/fmt/fmt.h>

#include <array>
#include <iterator>
#include <map>

#include "common/contract/clauses/rule.hpp"
#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

constexpr std::array kRules = {
    Rule{"KC-1", "The kernel cache reports, its pre-warm is marked, and the run was cold", Contract::kernel_cache,
         judge_kc_1},
    Rule{"KC-2", "Every key looked up at run time was pre-warmed", Contract::kernel_cache, judge_kc_2},
    Rule{"KC-3", "Nothing is compiled or loaded after the pre-warm", Contract::kernel_cache, judge_kc_3},
    Rule{"KC-4", "A key and the body under it agree", Contract::kernel_cache, judge_kc_4},
    Rule{"KC-5", "Every module runs natively on its device", Contract::kernel_cache, judge_kc_5},
    Rule{"KC-6", "Nothing is pre-warmed in vain", Contract::kernel_cache, judge_kc_6},
    Rule{"KC-7", "Pre-warm before payload, and memory enough for both", Contract::kernel_cache, judge_kc_7},
    Rule{"KC-8", "All architectures use the same keys", Contract::kernel_cache, nullptr, nullptr, compare_kc_8},
    Rule{"KC-9", "Two runs of one commit use the same keys", Contract::kernel_cache, nullptr, judge_kc_9},
    Rule{"DS-1", "One loss per step, as many as declared", Contract::distillation, judge_ds_1},
    Rule{"DS-2", "Losses and gradient norms are finite and real", Contract::distillation, judge_ds_2},
    Rule{"DS-3", "The loss falls on one frozen batch", Contract::distillation, judge_ds_3},
    Rule{"DS-4", "The batch can be learned", Contract::distillation, judge_ds_4},
    Rule{"DS-5", "Training happened, and its checkpoint shows it", Contract::distillation, judge_ds_5},
    Rule{"DS-6", "What ran is what was declared", Contract::distillation, judge_ds_6},
    Rule{"DS-7", "All architectures compute the same losses", Contract::distillation, nullptr, nullptr, compare_ds_7},
    Rule{"DS-8", "No slower than the base branch", Contract::distillation, nullptr, nullptr, compare_ds_8},
    Rule{"DS-9", "The contract has teeth: each control fails", Contract::any, nullptr, judge_ds_9},
};

}  // namespace

std::span<const Rule> rules() { return kRules; }

void bound_findings(Report& report) {
  std::map<std::string, std::size_t> of_clause;
  const std::size_t before = report.findings.size();
  std::erase_if(report.findings, [&](const Finding& f) { return ++of_clause[f.clause] > kFindingsOfClauseMax; });
  report.findings_left_out = before - report.findings.size();
}

bool is_fed(const Rule& rule, const Policy& policy) {
  switch (rule.contract) {
    case Contract::kernel_cache:
      return policy.judge_kernel_cache;
    case Contract::distillation:
      return policy.judge_distillation;
    case Contract::any:
      return policy.judge_kernel_cache || policy.judge_distillation;
  }
  return false;
}

Judgement not_fed() { return not_applicable("no stage of the run feeds this contract"); }

void add_judgement(const Rule& rule, Judgement judgement, Report& report) {
  report.clauses.push_back(
      {std::string(rule.id), std::string(rule.title), judgement.outcome, std::move(judgement.reason)});
  std::move(judgement.findings.begin(), judgement.findings.end(), std::back_inserter(report.findings));
  std::move(judgement.warnings.begin(), judgement.warnings.end(), std::back_inserter(report.warnings));
}

void report_finding(Judgement& judgement, const Policy& policy, Finding finding) {
  const Exception* exception = finding.key.empty() ? nullptr : find_exception(policy, finding.clause, finding.key);
  if (exception == nullptr) {
    judgement.findings.push_back(std::move(finding));
    return;
  }
  judgement.warnings.push_back({finding.clause, "declared_exception",
                                fmt::format("{} (declared exception: {})", finding.message, exception->reason),
                                finding.key, finding.evidence});
}

Judgement concluded(Judgement judgement, const std::string& doubt) {
  if (!judgement.findings.empty()) {
    judgement.outcome = Outcome::fail;
    judgement.reason = count_of(judgement.findings.size(), "finding");
  } else if (!doubt.empty()) {
    judgement.outcome = Outcome::inconclusive;
    judgement.reason = doubt;
  }
  return judgement;
}

std::string doubt_about_completeness(const Facts& facts) {
  if (facts.unreadable > 0)
    return fmt::format("{} could not be read, the first: {}", count_of(facts.unreadable, "line of events"),
                       facts.first_unreadable);
  if (facts.left_out > 0) return "there were more keys, scopes or processes than are kept";
  for (const auto& [id, process] : facts.processes)
    if (process.events_missing > 0)
      return fmt::format("{} of process {} are missing from its numbering", count_of(process.events_missing, "event"),
                         id.pid);
  if (!completed(facts)) return "the run did not report a good end: what it would have done later was not seen";
  return "";
}

std::string doubt_about_kernels(const Facts& facts) {
  std::uint64_t cache_events = 0;
  for (const auto& [id, process] : facts.processes) {
    cache_events += process.cache_events;
    if (process.cache_events > 0 && process.marks == 0)
      return fmt::format("process {} used kernels but marked no end of a pre-warm", id.pid);
  }
  if (cache_events == 0) return "no cache reported anything";
  return doubt_about_completeness(facts);
}

std::string quoted(std::string_view key) { return fmt::format("`{}`", key); }

}  // namespace smgate::contract
