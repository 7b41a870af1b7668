#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <map>
#include <set>

#include "common/contract/analysis.hpp"
#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

constexpr std::size_t kKeysShown = 4;
// A hostile run must not cost the coordinator seconds: beyond these nothing is looked for.
constexpr std::size_t kKeysLookedInto = 16;      // that are missing, each held against
constexpr std::size_t kWarmedLookedInto = 4096;  // so many pre-warmed ones that nothing looked up

// "sm_89 alone uses `a`, `b` and 3 more"
std::string say_keys(const std::vector<Finding*>& findings) {
  std::map<std::string, std::vector<std::string>> by_architectures;
  for (const Finding* finding : findings)
    if (finding->clause == "KC-8")
      by_architectures[fmt::format("{}", fmt::join(finding->architectures, " and "))].push_back("`" + finding->key +
                                                                                                "`");
  std::string text;
  for (auto& [architectures, keys] : by_architectures) {
    const std::size_t count = keys.size();
    if (count > kKeysShown) keys.resize(kKeysShown);
    text +=
        fmt::format("{}only {} used {} ({}{})", text.empty() ? "" : "; ", architectures, count_of(count, "key"),
                    fmt::join(keys, ", "), count > kKeysShown ? fmt::format(" and {} more", count - kKeysShown) : "");
  }
  return text;
}

void find_disagreement(Analysis& analysis) {
  const std::vector<Finding*> explained =
      analysis.unexplained([](const Finding& f) { return f.clause == "KC-8" || f.clause == "DS-7"; });
  std::string text = say_keys(explained);
  for (const Finding* finding : explained)
    if (finding->clause == "DS-7") text += (text.empty() ? "" : "; ") + finding->message;
  analysis.add("architectures_disagree", text, explained);
}

bool is_missing(const Finding& f) { return is_kind(f, "KC-2", "missing") || is_kind(f, "KC-3", "missing"); }

// Whether two keys are of one kernel and differ in pointers and paths alone.
bool differ_by_run(const ParsedKey& a, const ParsedKey& b) {
  if (a.name != b.name) return false;
  const std::vector<TokenDifference> tokens = differences(a, b);
  return !tokens.empty() && std::all_of(tokens.begin(), tokens.end(), [](const TokenDifference& token) {
    return token.kind == TokenKind::pointer || token.kind == TokenKind::path;
  });
}

// Keys that were asked for, each with the one that was pre-warmed in its place under another pointer or path.
std::map<std::string, std::string> unstable_within_run(const Analysis& analysis) {
  std::map<std::string, ParsedKey> asked;
  for (const Finding* finding : analysis.unexplained(is_missing)) {
    ParsedKey key = parse_key(finding->key);
    const bool may_be = std::any_of(key.tokens.begin(), key.tokens.end(), [](const Token& token) {
      return token.kind == TokenKind::pointer || token.kind == TokenKind::path;
    });
    if (may_be && asked.size() < kKeysLookedInto) asked.emplace(finding->key, std::move(key));
  }
  std::map<std::string, std::string> found;
  if (asked.empty()) return found;
  std::size_t looked_into = 0;
  for (const auto& [id, process] : analysis.facts.processes)
    for (const auto& [cache, keys] : process.caches)
      for (const auto& [name, key] : keys) {
        if (!key.prewarmed() || key.looked_up() || looked_into++ >= kWarmedLookedInto) continue;
        const ParsedKey warmed = parse_key(name);
        for (const auto& [wanted, parsed] : asked)
          if (differ_by_run(parsed, warmed)) found.emplace(wanted, name);
      }
  return found;
}

void find_slower(Analysis& analysis) {
  const std::vector<Finding*> explained = analysis.unexplained([](const Finding& f) { return f.clause == "DS-8"; });
  std::string text;
  for (const Finding* finding : explained) text += (text.empty() ? "" : "; ") + finding->message;
  analysis.add("slower", text, explained);
}

}  // namespace

void find_key_unstable(Analysis& analysis) {
  std::vector<Finding*> explained =
      analysis.unexplained([](const Finding& f) { return is_kind(f, "KC-9", "unstable_token"); });
  std::string text = explained.empty() ? "" : explained.front()->message;
  if (explained.size() > 1) text += fmt::format(" (and {} alike)", explained.size() - 1);
  const std::map<std::string, std::string> within = unstable_within_run(analysis);
  std::set<std::string> warmed;
  for (const auto& [asked, offered] : within) warmed.insert(offered);
  if (text.empty() && !within.empty())
    text = fmt::format("`{}` was pre-warmed and `{}` asked for: a pointer or path stands in the key",
                       within.begin()->second, within.begin()->first);
  const std::vector<Finding*> missed = analysis.unexplained([&](const Finding& f) {
    return (is_missing(f) && within.contains(f.key)) || (is_kind(f, "KC-6", "waste") && warmed.contains(f.key));
  });
  explained.insert(explained.end(), missed.begin(), missed.end());
  if (explained.empty()) return;
  if (!within.empty()) text += analysis.share_of_missing_keys(within.size());
  analysis.add("key_unstable", text, explained);
}

void find_toothless(Analysis& analysis) {
  std::string text;
  for (const Warning& warning : analysis.report.warnings)
    if (warning.kind == "control_passed") text += (text.empty() ? "" : "; ") + warning.message;
  if (!text.empty()) analysis.add_undecided("contract_without_teeth", text, {"DS-9"});
}

void find_comparing_causes(Report& report) {
  const Facts none;
  Analysis analysis(none, report);
  find_disagreement(analysis);
  find_slower(analysis);
}

}  // namespace smgate::contract
