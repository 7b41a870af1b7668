#include <spdlog/fmt/fmt.h>

#include <map>
#include <set>

#include "common/contract/analysis.hpp"
#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

constexpr std::size_t kKeysShown = 4;

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

void find_slower(Analysis& analysis) {
  const std::vector<Finding*> explained = analysis.unexplained([](const Finding& f) { return f.clause == "DS-8"; });
  std::string text;
  for (const Finding* finding : explained) text += (text.empty() ? "" : "; ") + finding->message;
  analysis.add("slower", text, explained);
}

}  // namespace

void find_key_unstable(Analysis& analysis) {
  const std::vector<Finding*> explained =
      analysis.unexplained([](const Finding& f) { return is_kind(f, "KC-9", "unstable_token"); });
  if (explained.empty()) return;
  std::string text = explained.front()->message;
  if (explained.size() > 1) text += fmt::format(" (and {} alike)", explained.size() - 1);
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
