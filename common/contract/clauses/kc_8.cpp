#include "common/contract/clauses/rule.hpp"
namespace smgate::contract {
Judgement compare_kc_8(const std::vector<ArchFacts>&, const Policy&) {
  return inconclusive("not judged by this version");
}
}  // namespace smgate::contract
