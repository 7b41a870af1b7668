#include "common/contract/clauses/rule.hpp"
namespace smgate::contract {
Judgement judge_kc_9(const JobFacts&, const Policy&) { return not_applicable("not judged by this version"); }
}  // namespace smgate::contract
