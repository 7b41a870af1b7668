// KC-9: a second run of the commit on the same architecture, from another folder, uses the same keys: no pointer, path,
// time or random number stands in a key. The second run is shorter, so that it may use fewer keys; never others.
#include <spdlog/fmt/fmt.h>

#include "common/contract/clauses/rule.hpp"
#include "common/contract/clauses/run_keys.hpp"
#include "common/contract/key_grammar.hpp"

namespace smgate::contract {
namespace {

constexpr std::size_t kPartnersTried = 64;  // of one kernel name; more would make one finding cost seconds
constexpr std::size_t kPairsMax = 1000;     // as many as are listed
constexpr std::size_t kTimeDigitsMin = 10;  // seconds since 1970

// What a token that changed looks like, for a person.
std::string look_of(const TokenDifference& token) {
  switch (token.kind) {
    case TokenKind::pointer:
      return "a pointer";
    case TokenKind::path:
      return "a path";
    case TokenKind::hash:
      return "a hash or random number";
    case TokenKind::architecture:
      return "an architecture";
    case TokenKind::integer:
      return token.run_time_token.size() >= kTimeDigitsMin ? "a time or pointer" : "a number";
    case TokenKind::float_bits:
    case TokenKind::decimal:
      return "a number";
  }
  return "";
}

using Place = SeenKeys::key_type;
using Lone = std::map<std::pair<std::string, std::string>, std::vector<const SeenKey*>>;  // by cache and kernel name

Lone only_in(const SeenKeys& keys, const SeenKeys& others) {
  Lone lone;
  for (const auto& [place, seen] : keys)
    if (!others.contains(place)) lone[{place.first, parse_key(seen.key).name}].push_back(&seen);
  return lone;
}

// The key of the first run that is likest, taken out of the list; null where there is none.
const SeenKey* take_partner(std::vector<const SeenKey*>& candidates, const ParsedKey& key,
                            std::vector<TokenDifference>& tokens) {
  std::size_t best = candidates.size();
  for (std::size_t i = 0; i < candidates.size() && i < kPartnersTried; ++i) {
    std::vector<TokenDifference> between = differences(key, parse_key(candidates[i]->key));
    if (between.empty() || (best != candidates.size() && between.size() >= tokens.size())) continue;
    best = i;
    tokens = std::move(between);
  }
  if (best == candidates.size()) return nullptr;
  const SeenKey* partner = candidates[best];
  candidates.erase(candidates.begin() + static_cast<std::ptrdiff_t>(best));
  return partner;
}

Finding finding(const std::string& cache, const SeenKey& seen, std::string kind, std::string message) {
  Finding made;
  made.clause = "KC-9";
  made.kind = std::move(kind);
  made.key = seen.key;
  made.cache = cache;
  made.message = std::move(message);
  return made;
}

Finding unstable(const std::string& cache, const SeenKey& first, const SeenKey& second,
                 const std::vector<TokenDifference>& tokens) {
  std::string what;
  for (const TokenDifference& token : tokens)
    what += fmt::format("{}{} ({} and {})", what.empty() ? "" : ", ", look_of(token),
                        token.prewarmed_token.empty() ? "absent" : token.prewarmed_token,
                        token.run_time_token.empty() ? "absent" : token.run_time_token);
  Finding made = finding(cache, first, "unstable_token",
                         fmt::format("{} of the first run was {} in the second: {} stands in the key",
                                     quoted(first.key), quoted(second.key), what));
  made.nearest_key = second.key;
  made.evidence = {first.ref};
  return made;
}

std::uint64_t steps_of(const Facts& facts) {
  const Process* training = training_process(facts);
  return training == nullptr ? 0 : training->curve.next_step;
}

// What only the first run used: news, unless the second was cut shorter.
void judge_first_alone(const JobFacts& facts, const Lone& lone, const Policy& policy, Judgement& judgement) {
  const bool shorter = steps_of(*facts.again) < steps_of(facts.main);
  for (const auto& [place, keys] : lone)
    for (const SeenKey* seen : keys) {
      Finding made = finding(place.first, *seen, "not_used_again",
                             fmt::format("{} is not used by the second run", quoted(seen->key)));
      made.evidence = {seen->ref};
      if (!shorter)
        report_finding(judgement, policy, std::move(made));
      else if (judgement.warnings.size() < kSamplesMax)
        judgement.warnings.push_back(
            {"KC-9", "not_used_again", made.message + ", which is shorter", seen->key, {seen->ref}});
    }
}

std::string doubt_about(const Facts& facts, const char* which) {
  if (all_keys(facts).empty()) return fmt::format("the {} run reports no key", which);
  const std::string lost = telemetry_lost(facts);
  return lost.empty() ? "" : fmt::format("the keys of the {} run are not all known: {}", which, lost);
}

}  // namespace

Judgement judge_kc_9(const JobFacts& facts, const Policy& policy) {
  if (!policy.stability) return not_applicable("the gate file asks for no second run");
  if (!completed(facts.main)) return not_applicable("the run did not complete: its keys are cut short");
  if (!facts.again) return inconclusive("the second run that the gate file asks for reported nothing");
  if (!completed(*facts.again)) return inconclusive("the second run did not complete: its keys are cut short");
  std::string doubt = doubt_about(facts.main, "first");
  if (doubt.empty()) doubt = doubt_about(*facts.again, "second");
  if (!doubt.empty()) return inconclusive(doubt);

  Judgement judgement;
  const SeenKeys first = all_keys(facts.main), second = all_keys(*facts.again);
  Lone first_alone = only_in(first, second);
  std::size_t paired = 0;
  for (const auto& [place, keys] : only_in(second, first))
    for (const SeenKey* seen : keys) {
      std::vector<TokenDifference> tokens;
      const bool may_pair = paired++ < kPairsMax;
      const SeenKey* partner = may_pair ? take_partner(first_alone[place], parse_key(seen->key), tokens) : nullptr;
      if (partner != nullptr)
        report_finding(judgement, policy, unstable(place.first, *partner, *seen, tokens));
      else
        report_finding(judgement, policy,
                       finding(place.first, *seen, "not_used_before",
                               fmt::format("{} is used by the second run alone", quoted(seen->key))));
    }
  judge_first_alone(facts, first_alone, policy, judgement);
  return concluded(std::move(judgement), "");
}

}  // namespace smgate::contract
