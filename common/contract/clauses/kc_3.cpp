// KC-3: nothing is compiled, and nothing loaded, after its scope's pre-warm ended. A load that belongs to a late
// compile is not counted twice.
#include <spdlog/fmt/fmt.h>

#include "common/contract/clauses/rule.hpp"
#include "common/contract/coverage.hpp"
#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

std::string details(const Occurrence& occurrence) {
  std::string text;
  if (occurrence.bytes) text += ", " + bytes_for_people(*occurrence.bytes);
  if (occurrence.ms) text += fmt::format(", {:.3g} ms", *occurrence.ms);
  return text;
}

void keep(Finding& finding, const Occurrence& occurrence) {
  finding.t_ns = occurrence.t_ns;
  finding.bytes = occurrence.bytes;
  finding.ms = occurrence.ms;
  finding.evidence.push_back(occurrence.ref);
}

std::string why(const Finding& finding) {
  if (finding.kind == "drifted") {
    std::string text = fmt::format("; the nearest pre-warmed key is {}:", quoted(finding.nearest_key));
    for (const TokenDifference& token : finding.tokens) text += fmt::format(" {};", say(token));
    text.pop_back();
    return text;
  }
  if (finding.kind == "collided")
    return fmt::format("; its body had been offered under {}, which another body had taken",
                       quoted(finding.nearest_key));
  if (finding.kind == "skipped") return "; its scope's pre-warm had done nothing";
  if (finding.kind == "evicted") return "; it had been pre-warmed, then unloaded";
  if (finding.kind == "recompiled") return "; it had been pre-warmed already";
  return "; it was never pre-warmed";
}

// A compile of a key that had been pre-warmed is not a miss of the pre-warm.
Miss reason(const Coverage& coverage, const std::string& cache, const std::string& name, const Key& key) {
  if (!key.prewarmed()) return coverage.classify(cache, name, key);
  return {key.unloads > 0 ? "evicted" : "recompiled", "", {}, key.owner_scope};
}

Finding late_compile(const std::string& cache, const std::string& name, const Key& key, const Coverage& coverage) {
  const Occurrence& first = *key.compiles.first_late_of_all();
  const Miss miss = reason(coverage, cache, name, key);
  Finding finding{"KC-3",      miss.kind, "", name, cache, miss.scope, miss.nearest_key,
                  miss.tokens, {},        {}, {},   {},    {},         ""};
  keep(finding, first);
  finding.count = key.compiles.late_total();
  finding.message = fmt::format("{} was compiled after the pre-warm{}{}", quoted(name), details(first), why(finding));
  return finding;
}

Finding late_load(const std::string& cache, const std::string& name, const Key& key, bool keyed) {
  const Occurrence& first = *key.loads.first_late_of_all();
  Finding finding{"KC-3", "late_load", "", keyed ? name : "", cache, key.owner_scope, "", {}, {}, {}, {}, {}, {}, ""};
  keep(finding, first);
  finding.count = key.loads.late_total();
  finding.message = fmt::format("{} {} was loaded after the pre-warm{}", keyed ? "the module of" : "module",
                                quoted(name), details(first));
  return finding;
}

Finding unlogged(const UnkeyedCompile& compile) {
  Finding finding{"KC-3", "unlogged_jit", "", "", compile.cache, "", "", {}, {}, {}, {}, {}, {}, ""};
  keep(finding, compile.occurrence);
  finding.count = 1;
  finding.message = fmt::format("a compile after the pre-warm that no cache logged{}{}", details(compile.occurrence),
                                compile.log.empty() ? "" : fmt::format(": {}", cut_utf8(compile.log, 200)));
  return finding;
}

void judge_modules(const Process& process, const Policy& policy, Judgement& judgement) {
  for (const auto& [module, key] : process.modules)
    if (key.loads.late_total() > 0) report_finding(judgement, policy, late_load("", module, key, false));
  for (const UnkeyedCompile& compile : process.unkeyed) report_finding(judgement, policy, unlogged(compile));
}

}  // namespace

Judgement judge_kc_3(const Facts& facts, const Policy& policy) {
  Judgement judgement;
  std::map<const Process*, Coverage> coverage;
  std::map<std::pair<std::string, std::string>, Finding> by_key;
  for (const auto& [id, process] : facts.processes) {
    if (process.marks == 0) continue;  // KC-1 says so: without a mark nothing is late
    const Coverage& of_process = coverage.try_emplace(&process, process).first->second;
    for (const auto& [cache, keys] : process.caches)
      for (const auto& [name, key] : keys) {
        const bool compiled = key.compiles.late_total() > 0;
        if (!compiled && key.loads.late_total() == 0) continue;
        Finding finding = compiled ? late_compile(cache, name, key, of_process) : late_load(cache, name, key, true);
        const auto [known, is_new] = by_key.try_emplace({cache, name}, finding);
        if (!is_new && known->second.evidence.size() < kSamplesMax)
          known->second.evidence.push_back(finding.evidence.front());
        if (!is_new) *known->second.count += *finding.count;
      }
    judge_modules(process, policy, judgement);
  }
  std::vector<Finding> without_key = std::move(judgement.findings);
  judgement.findings.clear();
  for (auto& [place, finding] : by_key) report_finding(judgement, policy, std::move(finding));
  for (Finding& finding : without_key) judgement.findings.push_back(std::move(finding));
  return concluded(std::move(judgement), doubt_about_kernels(facts));
}

}  // namespace smgate::contract
