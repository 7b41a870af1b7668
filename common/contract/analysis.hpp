// What the single causes work with. Internal to causes*.cpp.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/contract/facts.hpp"
#include "common/contract/report.hpp"

namespace smgate::contract {

// How a run that did not end well was stopped, as far as its telemetry shows.
enum class Stop {
  none,        // it ended well
  by_weights,  // a weights file could not be read
  by_memory,   // an allocation was refused
  at_a_miss,   // no step was completed after the last time that a kernel was not there
  unexplained,
};

class Analysis {
 public:
  Analysis(const Facts& facts, Report& report);

  using Wanted = std::function<bool(const Finding&)>;
  // The findings that nothing explains yet.
  std::vector<Finding*> unexplained(const Wanted& wanted) const;
  // A cause that explains them; none where there is nothing to explain.
  Cause* add(const std::string& id, std::string text, const std::vector<Finding*>& findings);
  // Adds a cause that explains why clauses are undecided; none where none is.
  Cause* add_undecided(const std::string& id, std::string text, const std::vector<std::string>& clauses);

  bool has_cause(std::string_view id) const;
  // The most upstream cause that explains a finding of the clause; empty: none does.
  std::string first_cause_of(std::string_view clause) const;

  // Keys that were not pre-warmed: all, and those of one kind.
  std::size_t missing_keys() const { return missing_keys_; }
  std::size_t missing_keys(std::string_view kind) const;
  // "; explains 21 of 21 missing keys", and that the run stopped at the first.
  std::string share_of_missing_keys(std::size_t explained) const;

  // What only shows because the run stopped early, where it stopped in this way: steps that never came.
  std::vector<Finding*> taken_by(Stop stop) const;

  const Facts& facts;
  Report& report;
  Stop stop = Stop::none;
  std::string symptom;

 private:
  std::string clause_of_keys_;  // KC-2; where no lookups were reported, KC-3
  std::size_t missing_keys_ = 0;
};

bool is_kind(const Finding& finding, std::string_view clause, std::string_view kind);

// In causes_*.cpp, by subject; each adds its causes in their order.
void find_loading_causes(Analysis& analysis);   // weights_container_mismatch, workspace_over_budget, cache_silent
void find_prewarm_causes(Analysis& analysis);   // prewarm_*, late_load, kernel_evicted
void find_training_causes(Analysis& analysis);  // degenerate_batch, contract_unsatisfiable, loss_*
void find_symptoms(Analysis& analysis);         // stream_poisoned
void find_grid_gap(Analysis& analysis);         // warmup_grid_gap, of misses that look like drift
void find_key_unstable(Analysis& analysis);
void find_toothless(Analysis& analysis);  // contract_without_teeth

}  // namespace smgate::contract
