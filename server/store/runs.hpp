// Runs: one per repository, head commit and base commit, whatever names it. A trigger is one webhook's reason to want
// the run; a run lives as long as one trigger is active.
//
// base_sha, the key's third part, is what the payload said, so that it is known before anything is fetched:
//   push to the default branch   `before`; empty where the branch is new: no base, its own policy counts (bootstrap)
//   pull request                 base.sha
//   push to another branch       base.sha of the open pull request from it, else the default branch's last known head,
//                                else empty
// `source` finds the commit whose gate file counts (base_rule) and records it as policy_sha.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/gate/stage.hpp"
#include "server/store/jobs.hpp"
#include "server/store/states.hpp"
#include "server/store/tx.hpp"

namespace smgate {
class Random;
}

namespace smgate::store {

// exact: base_sha itself. merge_base: of head and base_sha, or of head and the default branch where base_sha is empty.
// none: a first push.
enum class BaseRule { exact, merge_base, none };

struct Run {
  RunId id;
  std::string repository;
  CommitSha head_sha;
  CommitSha base_sha;  // may be empty
  BaseRule base_rule = BaseRule::none;
  std::string branch;  // of the head; for people and filters
  std::string ref;     // holds the commit: refs/heads/..., refs/pull/7/head
  std::optional<std::int64_t> pull_request;
  RunState state = RunState::fetching;
  std::optional<RunVerdict> verdict;
  std::string first_cause;  // id of the most upstream cause; empty for a pass
  std::string reason;       // for a person: why this state or verdict
  bool bootstrap = false;
  CommitSha policy_sha;          // whose gate file gave policy and architectures; empty until fetched
  std::string head_gate_digest;  // sha256; see gate_files.hpp
  std::string base_gate_digest;  // empty: none at the base
  std::string policy_digest;     // of the policy that jobs are judged by; empty until fetched
  std::vector<Arch> required;    // empty until fetched
  int fetch_attempts = 0;
  std::int64_t next_fetch_ms = 0;
  std::int64_t created_ms = 0;
  std::int64_t updated_ms = 0;
  std::optional<std::int64_t> ended_ms;
};

struct NewRun {
  std::string repository;
  CommitSha head_sha;
  CommitSha base_sha;
  BaseRule base_rule = BaseRule::none;
  std::string branch;
  std::string ref;
  std::optional<std::int64_t> pull_request;
  bool held = false;
  std::string held_reason;
};

struct Trigger {
  DeliveryId delivery;
  std::string event;
  std::string ref;                           // refs/heads/..., refs/pull/N/head
  std::optional<std::int64_t> pull_request;  // absent for a push
};

struct NamedRun {
  RunId id;
  bool created = false;
  bool revived = false;  // it was cancelled or held, and goes on
};

std::optional<Run> find_run(ReadTx& tx, const RunId& id);
// Makes the run, or attaches the trigger to the one that is there: a cancelled one goes on where it was, a held one is
// released where new_run.held is false.
NamedRun name_run(Tx& tx, const NewRun& new_run, const Trigger& trigger, std::int64_t now_ms, Random& random);

// The policy that its jobs are judged by, as JSON; absent until fetched.
std::optional<std::string> policy_of_run(ReadTx& tx, const RunId& id);

// Runs that an active trigger of this ref names.
std::vector<RunId> runs_named_by(ReadTx& tx, const std::string& repository, const std::string& ref);
// The triggers of this ref no longer want the run; a run that nothing wants any more is cancelled with its jobs, unless
// all of them are over. Returns the leases whose runners are to be told.
std::vector<Lease> withdraw_triggers(Tx& tx, const RunId& run, const std::string& ref, const std::string& reason,
                                     std::int64_t now_ms);

// --- for source
// The run whose gate file is to be fetched next: state fetching, next_fetch_ms reached, oldest first; of no `closed`
// repository, and of none that waits for access.
std::optional<Run> next_run_to_fetch(ReadTx& tx, std::int64_t now_ms, const std::set<std::string>& closed = {});
// When the next of the waiting ones is due; absent where none waits.
std::optional<std::int64_t> next_fetch_due_ms(ReadTx& tx);

struct FetchedRun {
  CommitSha policy_sha;
  std::string head_gate_digest;
  std::string base_gate_digest;
  bool bootstrap = false;
  std::string policy_json;
  std::vector<Arch> required;
  std::vector<Stage> stages;
  std::optional<std::string> adapter;
};
// One job per required architecture, and the run is running. False, and nothing changed, where the run is no longer
// fetching (it was cancelled meanwhile). A run that was fetched before keeps the jobs it has.
bool start_run(Tx& tx, const RunId& run, const FetchedRun& fetched, std::int64_t now_ms, Random& random);
// Another attempt later. False where the run is no longer fetching.
bool retry_fetch(Tx& tx, const RunId& run, const std::string& reason, std::int64_t next_fetch_ms, std::int64_t now_ms);
// Ends a run that is fetching or deciding, once: a gate file that is invalid, a repository that cannot be read, or the
// jobs' verdicts together. False where it had ended or was cancelled.
bool end_run(Tx& tx, const RunId& run, RunVerdict verdict, const std::string& first_cause, const std::string& reason,
             std::int64_t now_ms);

// --- for verdict
// A run whose jobs are all over; the oldest.
std::optional<RunId> next_run_to_decide(ReadTx& tx);

}  // namespace smgate::store
