#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <map>
#include <set>

#include "common/contract/analysis.hpp"
#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

constexpr std::size_t kNamesShown = 4;

bool is_miss(const Finding& finding, std::string_view kind) {
  return is_kind(finding, "KC-2", kind) || is_kind(finding, "KC-3", kind);
}

void append(std::vector<Finding*>& to, const std::vector<Finding*>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

std::string list(const std::set<std::string>& names) {
  std::string text;
  std::size_t shown = 0;
  for (const std::string& name : names) {
    if (shown == kNamesShown) return text + fmt::format(" and {} more", names.size() - shown);
    text += (shown++ == 0 ? "`" : ", `") + name + "`";
  }
  return text;
}

std::set<std::string> kernels_of(const std::vector<Finding*>& findings) {
  std::set<std::string> names;
  for (const Finding* finding : findings)
    if (!finding->key.empty()) names.insert(parse_key(finding->key).name);
  return names;
}

// One key received several bodies: the first was kept, the others dropped, and whoever asks for one of them misses it
// or gets the wrong one.
void find_collision(Analysis& analysis) {
  std::vector<Finding*> explained =
      analysis.unexplained([](const Finding& f) { return is_kind(f, "KC-4", "two_bodies"); });
  if (explained.empty()) return;
  std::set<std::string> keys;
  const Finding* worst = explained.front();
  for (const Finding* finding : explained) {
    keys.insert(finding->key);
    if (finding->count > worst->count) worst = finding;
  }
  append(explained, analysis.unexplained([&](const Finding& f) {
    return is_miss(f, "collided") || (is_kind(f, "KC-4", "body_mismatch") && keys.contains(f.key));
  }));
  const bool stopped_here = analysis.missing_keys("collided") > 0;
  if (stopped_here) append(explained, analysis.taken_by(Stop::at_a_miss));
  std::string text =
      fmt::format("{} offered under one key {}", count_of(worst->count.value_or(0), "body"), "`" + worst->key + "`");
  if (keys.size() > 1) text += fmt::format(" (and more under {})", count_of(keys.size() - 1, "other key"));
  text += analysis.share_of_missing_keys(analysis.missing_keys("collided"));
  analysis.add("prewarm_key_collision", text, explained);
}

// The drifts of a run, each token once: "eps 1e-06 at run time, 1e-05 pre-warmed (2 keys of `rmsnorm`)".
std::string say_drifts(const std::vector<Finding*>& findings) {
  std::map<std::string, std::pair<std::set<std::string>, std::set<std::string>>> keys_and_names;
  for (const Finding* finding : findings)
    for (const TokenDifference& token : finding->tokens) {
      auto& [keys, names] = keys_and_names[say(token)];
      keys.insert(finding->key);
      names.insert(parse_key(finding->key).name);
    }
  std::string text;
  std::size_t shown = 0;
  for (const auto& [words, both] : keys_and_names) {
    if (shown == kNamesShown) return text + fmt::format("; and {} more", keys_and_names.size() - shown);
    text += (shown++ == 0 ? "" : "; ") + words +
            fmt::format(" ({} of {})", count_of(both.first.size(), "key"), list(both.second));
  }
  return text;
}

void find_drift(Analysis& analysis) {
  std::vector<Finding*> explained = analysis.unexplained([](const Finding& f) { return is_miss(f, "drifted"); });
  if (explained.empty()) return;
  std::set<std::string> meant, keys;
  for (const Finding* finding : explained) {
    meant.insert(finding->nearest_key);
    keys.insert(finding->key);
  }
  const std::string text = fmt::format("{} drifted from the pre-warmed ones: {}", count_of(keys.size(), "run-time key"),
                                       say_drifts(explained)) +
                           analysis.share_of_missing_keys(keys.size());
  append(explained, analysis.taken_by(Stop::at_a_miss));
  // What was warmed under the drifted key is waste because of it.
  append(explained,
         analysis.unexplained([&](const Finding& f) { return is_kind(f, "KC-6", "waste") && meant.contains(f.key); }));
  analysis.add("prewarm_key_drift", text, explained);
}

void find_skipped(Analysis& analysis) {
  std::vector<Finding*> explained = analysis.unexplained([](const Finding& f) { return is_miss(f, "skipped"); });
  if (explained.empty()) return;
  std::set<std::string> scopes;
  for (const Finding* finding : explained) scopes.insert(finding->scope.empty() ? "every scope" : finding->scope);
  const std::string text = fmt::format("the pre-warm of {} ended without doing anything; {} needed {}", list(scopes),
                                       scopes.size() == 1 ? "it" : "they", list(kernels_of(explained))) +
                           analysis.share_of_missing_keys(analysis.missing_keys("skipped"));
  append(explained, analysis.taken_by(Stop::at_a_miss));
  analysis.add("prewarm_skipped", text, explained);
}

void find_missing(Analysis& analysis) {
  std::vector<Finding*> explained = analysis.unexplained([](const Finding& f) { return is_miss(f, "missing"); });
  if (explained.empty()) return;
  std::set<std::string> keys;
  for (const Finding* finding : explained) keys.insert(finding->key);
  const std::string text =
      fmt::format("{} never pre-warmed: {}", keys.size() == 1 ? "1 key was" : fmt::format("{} keys were", keys.size()),
                  list(kernels_of(explained))) +
      analysis.share_of_missing_keys(analysis.missing_keys("missing"));
  append(explained, analysis.taken_by(Stop::at_a_miss));
  analysis.add("prewarm_missing", text, explained);
}

// Adds one cause for all findings of a kind, in the words of the first.
void find_by_kind(Analysis& analysis, const std::string& id, std::string_view clause, std::string_view kind) {
  const std::vector<Finding*> explained =
      analysis.unexplained([&](const Finding& f) { return is_kind(f, clause, kind); });
  if (explained.empty()) return;
  std::string text = explained.front()->message;
  if (explained.size() > 1) text += fmt::format(" (and {} alike)", explained.size() - 1);
  analysis.add(id, text, explained);
}

}  // namespace

void find_prewarm_causes(Analysis& analysis) {
  find_collision(analysis);
  find_grid_gap(analysis);
  find_drift(analysis);
  find_key_unstable(analysis);
  find_skipped(analysis);
  find_missing(analysis);
  find_by_kind(analysis, "prewarm_body_mismatch", "KC-4", "body_mismatch");
  find_by_kind(analysis, "prewarm_after_payload", "KC-7", "prewarm_after_payload");
  find_by_kind(analysis, "kernel_evicted", "KC-3", "evicted");
  find_by_kind(analysis, "late_load", "KC-3", "late_load");
  find_by_kind(analysis, "target_mismatch", "KC-5", "target_mismatch");
  find_by_kind(analysis, "prewarm_waste", "KC-6", "waste");
}

}  // namespace smgate::contract
