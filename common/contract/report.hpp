// The answer about one run: verdict, causes, findings, warnings, clauses. Described by schemas/report.schema.json; the
// API, the check run and the terminal all show this. Pure values; any thread.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/contract/facts.hpp"
#include "common/contract/key_grammar.hpp"
#include "common/contract/policy.hpp"

namespace smgate::contract {

enum class Outcome { pass, fail, inconclusive, not_applicable };
enum class Verdict { pass, fail, inconclusive };
std::string_view to_string(Outcome outcome);
std::string_view to_string(Verdict verdict);

// A clause broken at a place.
struct Finding {
  std::string clause;   // KC-2
  std::string kind;     // drifted
  std::string message;  // for a person
  std::string key, cache, scope;
  std::string nearest_key;  // of a drift; of a collision, the key already taken
  std::vector<TokenDifference> tokens;
  std::optional<std::uint64_t> t_ns, bytes, count;
  std::optional<double> ms;
  std::vector<EventRef> evidence;
  std::string explained_by;  // id of a cause; empty: stands unexplained
  // Where runs are compared: those that it is about. The evidence is of the first.
  std::vector<std::string> architectures = {};
  bool operator==(const Finding&) const = default;
};

// Worth telling, breaks nothing.
struct Warning {
  std::string clause;
  std::string kind;
  std::string message;
  std::string key;
  std::vector<EventRef> evidence;
  bool operator==(const Warning&) const = default;
};

struct ClauseResult {
  std::string id, title;
  Outcome outcome = Outcome::inconclusive;
  std::string reason;  // why it is so; empty for a plain pass
  bool operator==(const ClauseResult&) const = default;
};

struct Cause {
  std::string id;
  std::string text;
  std::uint64_t explains = 0;        // findings; where there is none, undecided clauses
  std::string consequence_of;        // id of a cause upstream of this one
  std::vector<std::string> clauses;  // whose findings or indecision it explains
  std::vector<EventRef> evidence;
  bool operator==(const Cause&) const = default;
};

struct Summary {
  std::string workload, version, arch, device, compiler;
  std::optional<bool> emulated, cold;
  std::optional<double> initial_loss, final_loss;  // may be NaN
  std::uint64_t steps = 0;
  std::optional<std::uint64_t> declared_steps;
  bool completed = false;
  std::string symptom;  // of a failed run
  std::uint64_t events = 0, keys_looked_up = 0, keys_prewarmed = 0, compiles = 0, late_compiles = 0;
  bool operator==(const Summary&) const = default;
};

// One of the runs that a report compares.
struct ArchSummary {
  std::string arch, device;
  bool emulated = false, completed = false;
  std::optional<double> initial_loss, final_loss;  // may be NaN
  std::optional<double> tokens_per_s, base_tokens_per_s;
  bool operator==(const ArchSummary&) const = default;
};

// Earlier failures of the branch on one architecture that look like this one, while the keys they miss differ.
struct Resemblance {
  std::uint64_t alike = 0;  // failures with this signature, the one at hand among them
  bool signal = false;      // the cause lies upstream of every one of them
  std::string text;         // for a person
  bool operator==(const Resemblance&) const = default;
};

// Of a job, with a summary; or of a run's architectures compared, with one summary for each.
struct Report {
  Verdict verdict = Verdict::inconclusive;
  std::vector<Cause> causes;  // upstream first
  std::vector<Finding> findings;
  std::vector<Warning> warnings;
  std::vector<ClauseResult> clauses;
  Summary summary;
  std::vector<ArchSummary> architectures;  // not empty: the report compares runs
  std::uint64_t findings_left_out = 0;
  std::optional<Resemblance> resemblance;  // of a job that failed; the coordinator alone knows its branch
  std::uint64_t unexplained() const;
};

// The findings of one clause that are listed; the rest is counted. Beyond it a report is a dump.
inline constexpr std::size_t kFindingsOfClauseMax = 1000;

nlohmann::json to_json(const Report& report);
nlohmann::json to_json(const EventRef& ref);

}  // namespace smgate::contract
