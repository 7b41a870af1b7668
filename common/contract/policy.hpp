// What a gate asks of a run: every value that a rule compares with, its default, and what a repository declares with a
// reason. Read from the gate file (of the base, so that a change cannot weaken its own gate) by common/gate, and by
// `smgate-runner check --policy`. Pure values; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"

namespace smgate {
class JsonReader;
}

namespace smgate::contract {

// Findings of `clause` on keys that match `pattern` (* any text, ? one character) become warnings that cite the reason.
struct Exception {
  std::string clause;
  std::string pattern;
  std::string reason;
  bool operator==(const Exception&) const = default;
};

// Keys matching `pattern` may be used on these architectures alone (KC-8).
struct Difference {
  std::string pattern;
  std::vector<std::string> architectures;
  std::string reason;
  bool operator==(const Difference&) const = default;
};

// Runs at tiny scale that must fail, each by its clauses (DS-9).
inline constexpr std::array<std::string_view, 4> kControlNames = {"lr0", "shuffled-labels", "no-prewarm", "nan"};

struct Policy {
  // DS-1 to DS-4
  std::int64_t min_steps = 10;
  bool allow_zero_loss = false;
  bool allow_repeated_loss = false;
  double loss_margin = 0.05;           // final < initial * (1 - margin)
  double mann_kendall_p = 0.01;        // one-sided
  double conflicting_label_share = 0;  // of positions whose input carries another label elsewhere
  bool frozen_batch_declared = false;  // where the workload's events do not attest it
  // DS-5 and DS-6
  bool checkpoint_required = true;
  std::map<std::string, std::string> declared;  // configuration, by dotted path; values as JSON text
  // DS-7 and DS-8
  double agreement_step0_fp32 = 1e-3;  // relative, fp32 and TF32
  double agreement_step0_bf16 = 2e-2;
  double agreement_step = 0.05;        // relative, every step
  double agreement_free_share = 0.01;  // floor(share * steps) steps are free
  double speed_loss_share = 0.1;       // tokens/s may fall by this much against the base
  // KC-5 to KC-7
  std::string run_time_ptx_declared;  // the reason; empty: not declared, and PTX that the driver compiles is a breach
  std::int64_t waste_budget_bytes = 0;
  double workspace_share = 0.25;  // of the device's memory, for one workspace

  std::vector<Exception> exceptions;
  std::vector<Difference> differences;

  // What the runner runs beside the job's own run, and what is then judged by it.
  std::vector<std::string> controls;  // DS-9: of kControlNames, no two alike
  bool stability = false;             // KC-9: a second, short run from another folder

  // Which contracts the run's stages feed. Not the repository's to say: set by the caller from the stages.
  bool judge_kernel_cache = true;
  bool judge_distillation = true;

  bool operator==(const Policy&) const = default;
};

// The exception that covers this, or null.
const Exception* find_exception(const Policy& policy, std::string_view clause, std::string_view key);
bool matches_pattern(std::string_view pattern, std::string_view text);

// Reads "policy", "exceptions" and "differences" of a gate file, each by one of the functions below. Unknown fields and
// impossible values become the reader's mistakes; the document's own finish() is the caller's.
void read_policy(JsonReader& gate_file, Policy& policy);
void read_policy_values(JsonReader& policy_object, Policy& policy);
void read_exceptions(JsonReader& gate_file, Policy& policy);
void read_differences(JsonReader& gate_file, Policy& policy);
// "controls": ["lr0", ...] and "stability": true, which stand at the top of a gate file, too.
void read_extra_runs(JsonReader& gate_file, Policy& policy);

// {"policy": {...}, "exceptions": [...], "differences": [...], "controls": [...], "stability": false,
// "contracts": [...]}: what is stored with a job.
nlohmann::json to_json(const Policy& policy);
// Reads that form, or a file of the same shape written by a person, in which everything may be absent.
Result<Policy> policy_from_json(const nlohmann::json& document, const std::string& origin);

}  // namespace smgate::contract
