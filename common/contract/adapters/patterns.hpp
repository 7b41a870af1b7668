// Events out of lines by regular expressions of the repository's own: the kind says which event a match makes, named
// groups give its fields. RE2 matches in time linear in the line, whatever the pattern (Cox 2007, "Regular Expression
// Matching Can Be Simple And Fast"); it knows no back-references and no look-around.
//
//   "patterns": {"step": "^step (?P<step>\\d+) loss (?P<loss>\\S+)", "prewarm_end": "warm-up done"}
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/contract/adapters/reader.hpp"
#include "common/contract/adapters/spec.hpp"

namespace smgate::contract {

// The kinds are named after events; where one event has two meanings, after the meaning: hit, miss, compile_failed,
// run_failed. step_from_1 is a step whose program counts from 1.
bool is_pattern_kind(std::string_view kind);
std::vector<std::string_view> pattern_kinds();

// Empty where the pattern is fit; else what is wrong: the expression itself, a group that is no field of the event, a
// field that the event needs and no group gives.
std::string mistake_in_pattern(std::string_view kind, const std::string& pattern);

// Compiled patterns. The constructor takes only those that have no mistake. Immutable; any thread.
class PatternSet {
 public:
  explicit PatternSet(const Patterns& patterns);
  ~PatternSet();
  bool empty() const { return patterns_.empty(); }

  struct Pattern;
  const std::vector<std::unique_ptr<const Pattern>>& all() const { return patterns_; }

 private:
  std::vector<std::unique_ptr<const Pattern>> patterns_;
};

// Tries every pattern on every line. A match whose groups do not fit their fields (a step that is no number) is told by
// a note; a loss that cannot be read is a step without a loss.
class PatternReader : public LogReader {
 public:
  static constexpr std::string_view kReads = "any log, by the patterns of the gate file";
  static constexpr std::string_view kCannotKnow =
      "patterns see only the lines they were written for: a line that changed its wording is silence";

  PatternReader(LogOutput& out, const PatternSet& patterns) : LogReader(out), patterns_(patterns) {}
  void on_line(std::string_view line) override;

 private:
  void on_match(const PatternSet::Pattern& pattern, std::string_view line);

  const PatternSet& patterns_;
  std::uint64_t steps_ = 0;  // for patterns that name no step
  std::uint64_t notes_ = 0;
};

}  // namespace smgate::contract
