// KC-2: the keys looked up at run time are a subset of the keys pre-warmed, in each cache of each process. Each other
// key says why: see coverage.hpp.
#include <spdlog/fmt/fmt.h>

#include "common/contract/clauses/rule.hpp"
#include "common/contract/coverage.hpp"
#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

std::string words(const Finding& finding) {
  const std::string key = quoted(finding.key);
  if (finding.kind == "drifted") {
    std::string text =
        fmt::format("{} was not pre-warmed; the nearest pre-warmed key is {}:", key, quoted(finding.nearest_key));
    for (const TokenDifference& token : finding.tokens) text += fmt::format(" {};", say(token));
    text.pop_back();
    return text;
  }
  if (finding.kind == "collided")
    return fmt::format("{} was not pre-warmed: its body was offered under {}, which another body had taken", key,
                       quoted(finding.nearest_key));
  if (finding.kind == "skipped")
    return fmt::format("{} was not pre-warmed: the pre-warm of {} ended without doing anything", key,
                       finding.scope.empty() ? "every scope" : quoted(finding.scope));
  return fmt::format("{} was never pre-warmed", key);
}

Finding finding_of(const std::string& cache, const std::string& name, const KeyInProcess& where, const Miss& miss) {
  Finding finding;
  finding.clause = "KC-2";
  finding.kind = miss.kind;
  finding.key = name;
  finding.cache = cache;
  finding.scope = miss.scope;
  finding.nearest_key = miss.nearest_key;
  finding.tokens = miss.tokens;
  finding.count = where.key->hits + where.key->misses;
  finding.message = words(finding);
  finding.evidence.push_back(where.key->first_miss ? *where.key->first_miss : *where.key->first_lookup);
  return finding;
}

}  // namespace

Judgement judge_kc_2(const Facts& facts, const Policy& policy) {
  Judgement judgement;
  bool any_lookup = false;
  std::map<const Process*, Coverage> coverage;
  for (const auto& [cache_and_name, places] : keys_across(facts)) {
    const auto& [cache, name] = cache_and_name;
    std::optional<Finding> finding;
    for (const KeyInProcess& where : places) {
      any_lookup = any_lookup || where.key->looked_up();
      if (!where.key->looked_up() || where.key->prewarmed() || where.process->marks == 0) continue;
      const Coverage& of_process = coverage.try_emplace(where.process, *where.process).first->second;
      if (!finding)
        finding = finding_of(cache, name, where, of_process.classify(cache, name, *where.key));
      else if (finding->evidence.size() < kSamplesMax)
        finding->evidence.push_back(*where.key->first_lookup);
    }
    if (finding) report_finding(judgement, policy, std::move(*finding));
  }
  std::string doubt = doubt_about_kernels(facts);
  if (doubt.empty() && !any_lookup) doubt = "no lookup was reported: which keys the run used is not known";
  return concluded(std::move(judgement), doubt);
}

}  // namespace smgate::contract
