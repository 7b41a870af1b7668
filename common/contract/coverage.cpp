#include "common/contract/coverage.hpp"

#include <algorithm>

namespace smgate::contract {
namespace {

// A pre-warmed key compared with more others than this would make one finding cost seconds.
constexpr std::size_t kCandidatesMax = 4096;

// The pre-warm's key function left tokens out: a drift of keys, whatever else it did to the bodies.
bool lacks_tokens_only(const std::vector<TokenDifference>& tokens) {
  return !tokens.empty() &&
         std::all_of(tokens.begin(), tokens.end(), [](const auto& t) { return t.prewarmed_token.empty(); });
}

}  // namespace

Coverage::Coverage(const Process& process) : process_(process) {
  for (const auto& [cache, keys] : process.caches) {
    CacheIndex& index = caches_[cache];
    for (const auto& [name, key] : keys) {
      if (!key.prewarmed()) continue;
      ParsedKey parsed = parse_key(name);
      std::vector<Candidate>& candidates = index.prewarmed_by_name[parsed.name];
      if (candidates.size() < kCandidatesMax) candidates.push_back({name, std::move(parsed), key.looked_up()});
      for (std::size_t i = 1; i < key.offers.size(); ++i) index.taken_by_body.emplace(key.offers[i].body, name);
    }
  }
}

bool Coverage::collided(const CacheIndex& index, const ParsedKey& parsed, const Key& key, Miss& miss) const {
  for (const Body& lookup : key.lookups) {
    const auto taken = index.taken_by_body.find(lookup.body);
    if (lookup.body.empty() || taken == index.taken_by_body.end()) continue;
    const ParsedKey other = parse_key(taken->second);
    if (other.name == parsed.name && lacks_tokens_only(differences(parsed, other))) continue;
    miss.kind = "collided";
    miss.nearest_key = taken->second;
    return true;
  }
  return false;
}

bool Coverage::skipped(const std::string& scope, const std::string& cache, const CacheIndex& index) const {
  const auto found = process_.scopes.find(scope);
  if (found != process_.scopes.end()) return found->second.did_nothing();
  // A lookup that names no scope: skipped where a pre-warm of this cache did nothing, and no other filled it.
  const auto did_nothing = [&](const auto& entry) {
    return entry.second.did_nothing() && (entry.second.cache.empty() || entry.second.cache == cache);
  };
  return index.prewarmed_by_name.empty() && std::any_of(process_.scopes.begin(), process_.scopes.end(), did_nothing);
}

bool Coverage::drifted(const CacheIndex& index, const ParsedKey& parsed, Miss& miss) {
  const auto same_name = index.prewarmed_by_name.find(parsed.name);
  if (same_name == index.prewarmed_by_name.end()) return false;
  const Candidate* nearest = nullptr;
  for (const Candidate& candidate : same_name->second) {
    std::vector<TokenDifference> tokens = differences(parsed, candidate.parsed);
    if (!is_drift(tokens)) continue;
    // Of two as near, the one that nothing looked up is the one that was meant.
    const bool nearer = nearest == nullptr || tokens.size() < miss.tokens.size() ||
                        (tokens.size() == miss.tokens.size() && nearest->looked_up && !candidate.looked_up);
    if (!nearer) continue;
    nearest = &candidate;
    miss.tokens = std::move(tokens);
  }
  if (nearest == nullptr) return false;
  miss.kind = "drifted";
  miss.nearest_key = nearest->key;
  return true;
}

Miss Coverage::classify(const std::string& cache, const std::string& name, const Key& key) const {
  Miss miss;
  miss.kind = "missing";
  miss.scope = key.lookups.empty() ? key.owner_scope : key.lookups.front().scope;
  const auto found = caches_.find(cache);
  if (found == caches_.end()) return miss;
  const ParsedKey parsed = parse_key(name);
  if (collided(found->second, parsed, key, miss)) return miss;
  if (skipped(miss.scope, cache, found->second)) {
    miss.kind = "skipped";
    return miss;
  }
  (void)drifted(found->second, parsed, miss);
  return miss;
}

KeysAcross keys_across(const Facts& facts) {
  KeysAcross across;
  for (const auto& [id, process] : facts.processes)
    for (const auto& [cache, keys] : process.caches)
      for (const auto& [name, key] : keys) across[{cache, name}].push_back({&id, &process, &key});
  return across;
}

}  // namespace smgate::contract
