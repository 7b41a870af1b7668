// KC-4: one key never receives two bodies, and the body cached under a key is the one that its caller would build.
#include <spdlog/fmt/fmt.h>

#include "common/contract/clauses/rule.hpp"
#include "common/contract/coverage.hpp"
#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

constexpr std::size_t kOffersShown = 8;

Finding two_bodies(const std::string& cache, const std::string& name, const Key& key) {
  Finding finding{"KC-4", "two_bodies", "", name, cache, key.offers.front().scope, "", {}, {}, {}, {}, {}, {}, ""};
  finding.count = key.offers.size() + key.bodies_left_out;
  for (const Body& body : key.offers)
    if (finding.evidence.size() < kOffersShown) finding.evidence.push_back(body.first);
  finding.message = fmt::format("{} were offered under one key {}: the first was kept, the others dropped",
                                count_of(*finding.count, "body"), quoted(name));
  return finding;
}

Finding wrong_body(const std::string& cache, const std::string& name, const Key& key) {
  const Mismatch& mismatch = *key.mismatch;
  Finding finding{"KC-4", "body_mismatch", "", name, cache, key.owner_scope, "", {}, {}, {}, {}, {}, {}, ""};
  finding.count = mismatch.count;
  finding.evidence.push_back(mismatch.lookup);
  if (!key.offers.empty()) finding.evidence.push_back(key.offers.front().first);
  finding.message = fmt::format(
      "{} hit {}, but the body cached under it ({}) is not the one that the caller would build ({})", quoted(name),
      count_of(mismatch.count, "time"), cut_utf8(mismatch.cached, 12), cut_utf8(mismatch.wanted, 12));
  return finding;
}

Finding two_callers(const std::string& cache, const std::string& name, const Key& key) {
  Finding finding{"KC-4", "two_bodies", "", name, cache, key.owner_scope, "", {}, {}, {}, {}, {}, {}, ""};
  finding.count = key.lookups.size();
  for (const Body& body : key.lookups)
    if (finding.evidence.size() < kOffersShown) finding.evidence.push_back(body.first);
  finding.message = fmt::format("{} is asked for by callers that would build {} under it", quoted(name),
                                count_of(key.lookups.size(), "different body"));
  return finding;
}

// One body under several keys costs a compile each, and breaks nothing.
void warn_of_shared_bodies(const Facts& facts, Judgement& judgement) {
  for (const auto& [id, process] : facts.processes)
    for (const auto& [cache, keys] : process.caches) {
      std::map<std::string, const std::string*> key_of_body;
      for (const auto& [name, key] : keys) {
        if (key.offers.empty()) continue;
        const auto [known, is_new] = key_of_body.try_emplace(key.offers.front().body, &name);
        if (is_new || judgement.warnings.size() >= kSamplesMax) continue;
        judgement.warnings.push_back({"KC-4",
                                      "one_body_several_keys",
                                      fmt::format("{} and {} hold the same body", quoted(*known->second), quoted(name)),
                                      name,
                                      {key.offers.front().first}});
      }
    }
}

void judge_key(const std::string& cache, const std::string& name, const Key& key,
               std::map<std::string, Finding>& found) {
  if (key.offers.size() > 1) found.try_emplace("offers", two_bodies(cache, name, key));
  if (key.mismatch) found.try_emplace("mismatch", wrong_body(cache, name, key));
  const bool callers_differ = key.lookups.size() > 1 && key.offers.size() <= 1 && !key.mismatch;
  if (callers_differ) found.try_emplace("callers", two_callers(cache, name, key));
}

}  // namespace

Judgement judge_kc_4(const Facts& facts, const Policy& policy) {
  Judgement judgement;
  bool any_body = false;
  for (const auto& [cache_and_name, places] : keys_across(facts)) {
    std::map<std::string, Finding> found;
    for (const KeyInProcess& where : places) {
      const auto has_body = [](const std::vector<Body>& bodies) {
        return !bodies.empty() && !bodies.front().body.empty();
      };
      any_body = any_body || has_body(where.key->offers) || has_body(where.key->lookups);
      judge_key(cache_and_name.first, cache_and_name.second, *where.key, found);
    }
    for (auto& [kind, finding] : found) report_finding(judgement, policy, std::move(finding));
  }
  warn_of_shared_bodies(facts, judgement);
  std::string doubt = doubt_about_kernels(facts);
  if (doubt.empty() && !any_body) doubt = "no event names a body: whether keys and bodies agree is not known";
  return concluded(std::move(judgement), doubt);
}

}  // namespace smgate::contract
