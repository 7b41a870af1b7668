// What people decide about a run: again, stop, let a fork's head run. One transaction each, compare-and-set on the
// run's state; called by the API and by intake (buttons and comments of GitHub), on the store's thread. Who may do it
// is the caller's business; who did it is kept.
//
// A re-run keeps history: the verdict that it replaces, with each job's report, goes to run_history and job_history,
// and the same rows go on with their next attempt.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/store/jobs.hpp"
#include "server/store/runs.hpp"

namespace smgate::store {

enum class ActionKind { rerun, cancel, approve };
std::string_view to_string(ActionKind kind);

struct ActionResult {
  bool done = false;
  std::string text;         // for a person: what was done, or why nothing was
  bool fetch = false;       // wake source
  bool schedule = false;    // wake scheduler
  std::vector<Lease> lost;  // tell these runners to stop
};

// Every job of a run that is over or was cancelled runs again; one that never got its jobs is fetched again. A fork's
// head that nobody approved is not run by this.
ActionResult rerun_run(Tx& tx, const RunId& run, const std::string& actor, std::int64_t now_ms);
// The job of one architecture alone, once it is over; the run may still be running.
ActionResult rerun_job(Tx& tx, const RunId& run, const Arch& arch, const std::string& actor, std::int64_t now_ms);
// A run that is not over yet. What names it later makes it go on.
ActionResult cancel_run(Tx& tx, const RunId& run, const std::string& actor, std::int64_t now_ms);
// Lets the held head of a fork run, and no other: `head` is the commit that the maintainer looked at.
ActionResult approve_run(Tx& tx, const RunId& run, const CommitSha& head, const std::string& actor,
                         std::int64_t now_ms);

// --- forks
// Nothing but a pull request from another repository names its head.
bool is_of_fork(ReadTx& tx, const Run& run);
bool is_approved(ReadTx& tx, const std::string& repository, std::int64_t pull_request, const CommitSha& head);
// The pull request has this head now: approvals of all others are void.
void void_other_approvals(Tx& tx, const std::string& repository, std::int64_t pull_request, const CommitSha& head);

// --- what was before
struct PastVerdict {
  RunVerdict verdict = RunVerdict::inconclusive;
  std::string first_cause;
  std::string reason;
  std::int64_t ended_ms = 0;
};
std::vector<PastVerdict> past_verdicts(ReadTx& tx, const RunId& run);  // the oldest first

struct Action {
  ActionKind kind = ActionKind::rerun;
  std::string arch;  // of a re-run of one job; else empty
  std::string actor;
  std::int64_t at_ms = 0;
};
std::vector<Action> actions_of_run(ReadTx& tx, const RunId& run);  // the oldest first

}  // namespace smgate::store
