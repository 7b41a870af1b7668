#include "common/contract/causes.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <set>

#include "common/contract/analysis.hpp"
#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

constexpr std::size_t kCauseEvidenceMax = 8;
const std::set<std::string_view> kMissKinds = {"drifted", "collided", "skipped", "missing"};

Stop how_stopped(const Facts& facts) {
  if (completed(facts)) return Stop::none;
  bool at_a_miss = false;
  for (const auto& [id, process] : facts.processes) {
    for (const WeightsFacts& weights : process.weights)
      if (weights.weights.ok == false) return Stop::by_weights;
    for (const Allocation& allocation : process.allocations)
      if (allocation.refused) return Stop::by_memory;
    const std::uint64_t steps = process.curve.points.size() + process.curve.left_out;
    at_a_miss = at_a_miss || (process.misses > 0 && process.steps_at_last_miss == steps);
  }
  return at_a_miss ? Stop::at_a_miss : Stop::unexplained;
}

}  // namespace

bool is_kind(const Finding& finding, std::string_view clause, std::string_view kind) {
  return finding.clause == clause && finding.kind == kind;
}

Analysis::Analysis(const Facts& the_facts, Report& the_report)
    : facts(the_facts), report(the_report), stop(how_stopped(the_facts)) {
  if (const std::optional<Symptom> failed = failure(facts)) symptom = failed->text;
  const auto count = [&](std::string_view clause) {
    return static_cast<std::size_t>(
        std::count_if(report.findings.begin(), report.findings.end(),
                      [&](const Finding& f) { return f.clause == clause && kMissKinds.contains(f.kind); }));
  };
  clause_of_keys_ = count("KC-2") > 0 ? "KC-2" : "KC-3";
  missing_keys_ = count(clause_of_keys_);
}

std::size_t Analysis::missing_keys(std::string_view kind) const {
  return static_cast<std::size_t>(std::count_if(report.findings.begin(), report.findings.end(),
                                                [&](const Finding& f) { return is_kind(f, clause_of_keys_, kind); }));
}

bool Analysis::has_cause(std::string_view id) const {
  return std::any_of(report.causes.begin(), report.causes.end(), [&](const Cause& cause) { return cause.id == id; });
}

std::string Analysis::first_cause_of(std::string_view clause) const {
  for (const Cause& cause : report.causes)
    if (std::find(cause.clauses.begin(), cause.clauses.end(), clause) != cause.clauses.end()) return cause.id;
  return "";
}

std::string Analysis::share_of_missing_keys(std::size_t explained) const {
  if (missing_keys_ == 0) return "";
  std::string text = fmt::format("; explains {} of {}", explained, count_of(missing_keys_, "missing key"));
  if (stop == Stop::at_a_miss)
    text += missing_keys_ == 1 ? "; the run stopped at the first missing key"
                               : "; the run stopped at a missing key, so there may be more";
  return text;
}

std::vector<Finding*> Analysis::unexplained(const Wanted& wanted) const {
  std::vector<Finding*> found;
  for (Finding& finding : report.findings)
    if (finding.explained_by.empty() && wanted(finding)) found.push_back(&finding);
  return found;
}

std::vector<Finding*> Analysis::taken_by(Stop how) const {
  if (stop != how || how == Stop::none) return {};
  return unexplained(
      [](const Finding& f) { return is_kind(f, "DS-1", "too_few_steps") || is_kind(f, "DS-1", "no_steps"); });
}

Cause* Analysis::add(const std::string& id, std::string text, const std::vector<Finding*>& findings) {
  if (findings.empty()) return nullptr;
  Cause cause;
  cause.id = id;
  cause.text = std::move(text);
  cause.explains = findings.size();
  std::set<std::string> clauses;
  for (Finding* finding : findings) {
    finding->explained_by = id;
    clauses.insert(finding->clause);
    if (!finding->evidence.empty() && cause.evidence.size() < kCauseEvidenceMax)
      cause.evidence.push_back(finding->evidence.front());
  }
  cause.clauses.assign(clauses.begin(), clauses.end());
  report.causes.push_back(std::move(cause));
  return &report.causes.back();
}

Cause* Analysis::add_undecided(const std::string& id, std::string text, const std::vector<std::string>& clauses) {
  Cause cause;
  cause.id = id;
  cause.text = std::move(text);
  for (const ClauseResult& clause : report.clauses)
    if (clause.outcome == Outcome::inconclusive &&
        std::find(clauses.begin(), clauses.end(), clause.id) != clauses.end())
      cause.clauses.push_back(clause.id);
  cause.explains = cause.clauses.size();
  if (cause.clauses.empty()) return nullptr;
  report.causes.push_back(std::move(cause));
  return &report.causes.back();
}

void find_causes(const Facts& facts, Report& report) {
  Analysis analysis(facts, report);
  find_loading_causes(analysis);
  find_prewarm_causes(analysis);
  find_training_causes(analysis);
  find_symptoms(analysis);
  find_toothless(analysis);
}

}  // namespace smgate::contract
