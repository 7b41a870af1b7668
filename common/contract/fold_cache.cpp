// Whose pre-warm a compile belongs to. A compile is owned by the scope that asked for the key last (an offer, or a
// lookup that missed): while that scope's pre-warm is open it is in it, after it has ended it is late. Without an owner
// it belongs to the pre-warm that is open, else to the next mark of its cache; where none comes, it was late.
#include <algorithm>

#include "common/contract/fold_parts.hpp"

namespace smgate::contract {
namespace {

enum class When { in_prewarm, late, pending };

bool same_cache(const std::string& a, const std::string& b) { return a.empty() || b.empty() || a == b; }

Key* key_named(Fold& fold, Keys& keys, const std::string& name) {
  const auto found = keys.find(name);
  if (found != keys.end()) return &found->second;
  if (fold.facts.keys >= kKeysMax) {
    ++fold.facts.left_out;
    return nullptr;
  }
  ++fold.facts.keys;
  return &keys[name];
}

Key* key_of(Fold& fold, const std::string& cache, const std::string& key) {
  return key_named(fold, fold.process.caches[cache], key);
}

const Scope* find_scope(const Process& process, const std::string& name) {
  const auto found = name.empty() ? process.scopes.end() : process.scopes.find(name);
  return found == process.scopes.end() ? nullptr : &found->second;
}

Scope* open_scope(Process& process, const std::string& cache) {
  Scope* newest = nullptr;
  if (process.open_scopes == 0) return newest;
  for (auto& [name, scope] : process.scopes)
    if (scope.open && same_cache(scope.cache, cache))
      if (newest == nullptr || scope.first_begin->seq > newest->first_begin->seq) newest = &scope;
  return newest;
}

// Also says which scope's pre-warm did the work.
When when(Fold& fold, const std::string& cache, const std::string& owner_name, Scope*& prewarm) {
  const Scope* owner = find_scope(fold.process, owner_name);
  if (owner != nullptr && !owner->open && owner->ends > 0) return When::late;
  prewarm = owner != nullptr && owner->open ? const_cast<Scope*>(owner) : open_scope(fold.process, cache);
  return prewarm != nullptr ? When::in_prewarm : When::pending;
}

// Of an offer or a lookup.
template <class E>
void count_body(const Fold& fold, Key& key, std::vector<Body>& bodies, const E& seen) {
  const auto found = std::find_if(bodies.begin(), bodies.end(), [&](const Body& b) { return b.body == seen.body; });
  if (found != bodies.end())
    ++found->count;
  else if (bodies.size() < kBodiesMax)
    bodies.push_back({seen.body, seen.scope, 1, fold.ref(seen.at)});
  else
    ++key.bodies_left_out;
}

void keep_target(Key& key, const std::string& target, std::optional<bool> native, const EventRef& ref) {
  if (target.empty() && !native) return;
  const auto same = [&](const Target& t) { return t.target == target && t.native == native; };
  if (std::none_of(key.targets.begin(), key.targets.end(), same)) keep_sample(key.targets, {target, native, ref});
}

void note_miss(Process& process) {
  ++process.misses;
  process.steps_at_last_miss = process.curve.points.size() + process.curve.left_out;
}

// Counts one compile or load of a key.
void count_work(Fold& fold, const std::string& cache, const std::string& name, Key& key, Work& work,
                const Occurrence& occurrence, std::uint64_t Scope::*counter) {
  Scope* prewarm = nullptr;
  switch (when(fold, cache, key.owner_scope, prewarm)) {
    case When::in_prewarm:
      ++work.in_prewarm;
      ++(prewarm->*counter);
      return;
    case When::late:
      ++work.late;
      if (!work.first_late) work.first_late = occurrence;
      break;
    case When::pending:
      if (work.pending++ == 0) fold.process.pending.emplace_back(cache, name);
      if (!work.first_pending) work.first_pending = occurrence;
      break;
  }
  note_miss(fold.process);
}

void adopt(Work& work, std::uint64_t& counter) {
  counter += work.pending;
  work.in_prewarm += work.pending;
  work.pending = 0;
  work.first_pending.reset();
}

// The work that no scope owned belongs to this mark.
void adopt_pending(Process& process, Scope& scope) {
  std::erase_if(process.pending, [&](const auto& entry) {
    const auto& [cache, name] = entry;
    if (!same_cache(scope.cache, cache)) return false;
    Key& key =
        cache.empty() ? process.modules.find(name)->second : process.caches.find(cache)->second.find(name)->second;
    adopt(key.compiles, scope.compiles);
    adopt(key.loads, scope.loads);
    return true;
  });
  scope.compiles += std::erase_if(
      process.unkeyed, [&](const UnkeyedCompile& compile) { return same_cache(scope.cache, compile.cache); });
}

void fold_unkeyed(Fold& fold, const Compile& compile) {
  Process& process = fold.process;
  Scope* prewarm = nullptr;
  if (when(fold, compile.cache, "", prewarm) == When::in_prewarm) {
    ++prewarm->compiles;
    return;
  }
  note_miss(process);
  if (process.unkeyed.size() >= kUnkeyedMax) {
    ++fold.facts.left_out;
    return;
  }
  process.unkeyed.push_back(
      {compile.cache, {fold.ref(compile.at), fold.event.t_ns, compile.bytes, compile.ms}, compile.log});
}

}  // namespace

void fold_part(Fold& fold, const PrewarmBegin& mark) {
  Scope* scope = scope_named(fold, mark.scope);
  if (scope == nullptr) return;
  scope->cache = mark.cache;
  ++scope->begins;
  if (!scope->open) ++fold.process.open_scopes;
  scope->open = true;
  if (!scope->first_begin) scope->first_begin = fold.ref(mark.at);
  adopt_pending(fold.process, *scope);
}

void fold_part(Fold& fold, const PrewarmEnd& mark) {
  Process& process = fold.process;
  Scope* scope = scope_named(fold, mark.scope);
  if (scope == nullptr) return;
  if (!mark.cache.empty() || scope->begins == 0) scope->cache = mark.cache;
  ++scope->ends;
  ++process.marks;
  if (scope->open) --process.open_scopes;
  scope->open = false;
  scope->last_end = fold.ref(mark.at);
  scope->ended_t_ns = fold.event.t_ns;
  scope->free_bytes_after.reset();
  if (mark.claimed) scope->claimed = scope->claimed.value_or(0) + *mark.claimed;
  if (process.first_payload && !scope->payload_before) {
    scope->payload_before = process.first_payload;
    scope->after_payload_of = process.first_payload_scope;
  }
  adopt_pending(process, *scope);
}

void fold_part(Fold& fold, const Offer& offer) {
  ++fold.process.cache_events;
  Key* key = key_of(fold, offer.cache, offer.key);
  if (key == nullptr) return;
  key->owner_scope = offer.scope;
  Scope* scope = scope_named(fold, offer.scope);
  if (scope != nullptr && !scope->open && scope->ends > 0) return;  // too late to be a pre-warm
  if (scope != nullptr) ++scope->offers;
  count_body(fold, *key, key->offers, offer);
  if (key->cached_body.empty()) key->cached_body = offer.body;
}

void fold_part(Fold& fold, const Lookup& lookup) {
  ++fold.process.cache_events;
  Key* key = key_of(fold, lookup.cache, lookup.key);
  if (key == nullptr) return;
  if (!lookup.hit) key->owner_scope = lookup.scope;
  const Scope* scope = find_scope(fold.process, lookup.scope);
  const bool in_prewarm = scope != nullptr ? scope->open : open_scope(fold.process, lookup.cache) != nullptr;
  if (in_prewarm) return;
  if (!key->first_lookup) key->first_lookup = fold.ref(lookup.at);
  count_body(fold, *key, key->lookups, lookup);
  if (!lookup.hit) {
    ++key->misses;
    if (!key->first_miss) key->first_miss = fold.ref(lookup.at);
    note_miss(fold.process);
    return;
  }
  ++key->hits;
  if (lookup.body.empty() || key->cached_body.empty() || lookup.body == key->cached_body) return;
  if (!key->mismatch) key->mismatch = Mismatch{key->cached_body, lookup.body, 0, fold.ref(lookup.at)};
  ++key->mismatch->count;
}

void fold_part(Fold& fold, const Compile& compile) {
  ++fold.process.cache_events;
  if (compile.key.empty()) return fold_unkeyed(fold, compile);
  Key* key = key_of(fold, compile.cache, compile.key);
  if (key == nullptr) return;
  const EventRef ref = fold.ref(compile.at);
  keep_target(*key, compile.target, std::nullopt, ref);
  key->bytes = std::max(key->bytes, compile.bytes.value_or(0));
  if (!compile.ok) {
    ++key->compiles.failed;
    Scope* prewarm = nullptr;
    if (when(fold, compile.cache, key->owner_scope, prewarm) == When::in_prewarm) return;
  }
  if (compile.ok && !compile.body.empty()) key->cached_body = compile.body;
  count_work(fold, compile.cache, compile.key, *key, key->compiles, {ref, fold.event.t_ns, compile.bytes, compile.ms},
             &Scope::compiles);
}

void fold_part(Fold& fold, const Load& load) {
  ++fold.process.cache_events;
  const bool keyed = !load.key.empty() && !load.cache.empty();
  Key* key = keyed ? key_of(fold, load.cache, load.key) : key_named(fold, fold.process.modules, load.module);
  if (key == nullptr) return;
  const EventRef ref = fold.ref(load.at);
  keep_target(*key, load.target, load.native, ref);
  key->bytes = std::max(key->bytes, load.bytes.value_or(0));
  count_work(fold, keyed ? load.cache : "", keyed ? load.key : load.module, *key, key->loads,
             {ref, fold.event.t_ns, load.bytes, std::nullopt}, &Scope::loads);
}

void fold_part(Fold& fold, const Unload& unload) {
  ++fold.process.cache_events;
  const bool keyed = !unload.key.empty() && !unload.cache.empty();
  Key* key = keyed ? key_of(fold, unload.cache, unload.key) : key_named(fold, fold.process.modules, unload.module);
  if (key == nullptr) return;
  ++key->unloads;
  key->cached_body.clear();
}

}  // namespace smgate::contract
