#include <spdlog/fmt/fmt.h>

#include "common/contract/analysis.hpp"
#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

void append(std::vector<Finding*>& to, const std::vector<Finding*>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

void find_container_mismatch(Analysis& analysis) {
  const WeightsFacts* wrong = nullptr;
  for (const auto& [id, process] : analysis.facts.processes)
    for (const WeightsFacts& facts : process.weights) {
      const Weights& w = facts.weights;
      const bool both_known = !w.claimed_container.empty() && !w.container.empty() && w.claimed_container != "none";
      if (wrong == nullptr && both_known && w.claimed_container != w.container) wrong = &facts;
    }
  std::vector<Finding*> explained =
      analysis.unexplained([](const Finding& f) { return is_kind(f, "DS-5", "container_mismatch"); });
  if (wrong == nullptr && explained.empty()) return;
  if (wrong != nullptr) append(explained, analysis.taken_by(Stop::by_weights));
  std::string text = explained.empty() ? "" : explained.front()->message;
  if (wrong != nullptr) {
    const Weights& w = wrong->weights;
    text = fmt::format("{} is in {} format by its first bytes{} and was given to a {} reader",
                       w.path.empty() ? "a weights file" : w.path, w.container,
                       w.magic.empty() ? "" : " (" + w.magic + ")", w.claimed_container);
    if (!w.text.empty()) text += fmt::format(", which said: {}", cut_utf8(w.text, 200));
  }
  Cause* cause = analysis.add("weights_container_mismatch", text, explained);
  if (cause != nullptr && wrong != nullptr) cause->evidence.insert(cause->evidence.begin(), wrong->ref);
}

void find_workspace(Analysis& analysis) {
  std::vector<Finding*> explained =
      analysis.unexplained([](const Finding& f) { return is_kind(f, "KC-7", "workspace_over_budget"); });
  if (explained.empty()) return;
  const std::string text = explained.front()->message;
  append(explained,
         analysis.unexplained([](const Finding& f) { return is_kind(f, "KC-7", "payload_over_free_memory"); }));
  append(explained, analysis.taken_by(Stop::by_memory));
  analysis.add("workspace_over_budget", text, explained);
}

// Kernels must have run for their silence to mean anything.
void find_silence(Analysis& analysis) {
  bool worked = completed(analysis.facts);
  for (const auto& [id, process] : analysis.facts.processes) {
    if (process.cache_events > 0) return;
    worked = worked || process.curve.first || process.marks > 0;
  }
  if (!worked) return;
  Cause* cause = analysis.add_undecided(
      "cache_silent", "the run trained and its kernel cache reported nothing: no compile, no lookup, no load",
      {"KC-1", "KC-2", "KC-3", "KC-4", "KC-5", "KC-6", "KC-7"});
  if (cause == nullptr) return;
  cause->text += fmt::format("; explains {} that nobody can decide", count_of(cause->explains, "clause"));
  if (const Start* start = main_start(analysis.facts)) cause->evidence.push_back(start->ref);
}

}  // namespace

void find_loading_causes(Analysis& analysis) {
  find_container_mismatch(analysis);
  find_workspace(analysis);
  find_silence(analysis);
}

}  // namespace smgate::contract
