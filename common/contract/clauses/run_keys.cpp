#include "common/contract/clauses/run_keys.hpp"

#include "common/contract/key_grammar.hpp"

namespace smgate::contract {
namespace {

template <class Visit>
void for_each_key(const Facts& facts, const Visit& visit) {
  for (const auto& [id, process] : facts.processes)
    for (const auto& [cache, keys] : process.caches)
      for (const auto& [name, key] : keys) visit(cache, name, key);
}

// A compile after the pre-warm was asked for, whether or not the cache logs its lookups.
const EventRef* asked_for(const Key& key) {
  if (key.first_lookup) return &*key.first_lookup;
  return key.compiles.late_total() > 0 ? &key.compiles.first_late_of_all()->ref : nullptr;
}

const EventRef* seen(const Key& key) {
  if (!key.offers.empty()) return &key.offers.front().first;
  if (const EventRef* asked = asked_for(key)) return asked;
  return key.targets.empty() ? nullptr : &key.targets.front().first;
}

}  // namespace

SeenKeys run_time_keys(const Facts& facts) {
  SeenKeys keys;
  for_each_key(facts, [&](const std::string& cache, const std::string& name, const Key& key) {
    if (const EventRef* ref = asked_for(key))
      keys.try_emplace({cache, without_architecture(name)}, SeenKey{name, *ref});
  });
  return keys;
}

SeenKeys all_keys(const Facts& facts) {
  SeenKeys keys;
  for_each_key(facts, [&](const std::string& cache, const std::string& name, const Key& key) {
    const EventRef* ref = seen(key);
    keys.try_emplace({cache, name}, SeenKey{name, ref == nullptr ? EventRef{} : *ref});
  });
  return keys;
}

bool lookups_reported(const Facts& facts) {
  bool any = false;
  for_each_key(facts, [&](const std::string&, const std::string&, const Key& key) { any = any || key.looked_up(); });
  return any;
}

std::string telemetry_lost(const Facts& facts) {
  if (facts.unreadable > 0) return "lines of its events could not be read";
  if (facts.left_out > 0) return "it had more keys, scopes or processes than are kept";
  for (const auto& [id, process] : facts.processes)
    if (process.events_missing > 0) return "events are missing from its numbering";
  return "";
}

}  // namespace smgate::contract
