#include "common/contract/compare.hpp"

#include "common/contract/clauses/rule.hpp"

namespace smgate::contract {

Report compare(const std::vector<ArchFacts>& required, const Policy& policy) {
  Report report;
  for (const Rule& rule : rules()) {
    if (rule.compare == nullptr) continue;
    Judgement judgement = is_fed(rule, policy) ? rule.compare(required, policy) : not_fed();
    add_judgement(rule, std::move(judgement), report);
  }
  report.verdict = Verdict::pass;
  return report;
}

}  // namespace smgate::contract
