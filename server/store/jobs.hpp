// Jobs: one architecture of a run. Every change is compare-and-set on state and lease token; a lease is one attempt by
// one runner.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/contract/signature.hpp"
#include "common/gate/stage.hpp"
#include "common/protocol/messages.hpp"
#include "server/store/states.hpp"
#include "server/store/tx.hpp"

namespace smgate {
class Random;
}

namespace smgate::store {

inline constexpr int kAttemptCap = 3;  // a job that takes its host down must not travel on for ever

// A job in a runner's hands.
struct Lease {
  JobId job;
  LeaseToken token;
  RunnerName runner;
  bool operator==(const Lease&) const = default;
};

struct Job {
  JobId id;
  RunId run;
  Arch arch;
  JobState state = JobState::queued;
  int attempt = 0;  // 0 until first leased
  int attempt_cap = kAttemptCap;
  LeaseToken lease;        // empty where no runner holds it; a cancelled job keeps it until its runner let go
  LeaseToken ended_lease;  // of the attempt that ended last: its last item may come again
  std::int64_t lease_expires_ms = 0;
  RunnerName runner;           // the current or last one
  std::uint64_t next_seq = 0;  // of the current lease
  std::string stages_digest;   // see gate_files.hpp
  std::optional<std::string> adapter;
  std::int64_t queued_ms = 0;
  std::optional<std::int64_t> started_ms;  // of the current attempt
  std::optional<std::int64_t> ended_ms;
  std::optional<protocol::JobOutcome> outcome;  // of the last attempt
  std::string outcome_text;
  bool emulated = false;
  std::optional<RunVerdict> verdict;
  std::string first_cause;
  std::string reason;
  std::uint64_t log_bytes = 0;                 // of the current attempt
  std::uint64_t event_bytes = 0;               // of the current attempt
  bool events_cut = false;                     // it had more than kEventBytesMax
  std::optional<std::int64_t> raw_dropped_ms;  // log and events of all its attempts are gone since
  std::optional<double> initial_loss;
  std::optional<double> final_loss;
  std::optional<std::int64_t> steps;
};

struct JobStage {
  std::string name;
  std::optional<protocol::StageOutcome> outcome;  // absent while it runs
  int exit_code = 0;
  int signal = 0;
  std::int64_t duration_ms = 0;
  std::int64_t began_ms = 0;
};

std::optional<Job> find_job(ReadTx& tx, const JobId& id);
std::vector<Job> jobs_of_run(ReadTx& tx, const RunId& run);  // by architecture
std::vector<JobStage> stages_of_job(ReadTx& tx, const JobId& id, int attempt);

// --- for the scheduler
struct WaitingJob {
  JobId id;
  Arch arch;
  RunnerName last_runner;  // of an attempt that failed; empty for none
};
// The oldest first, without those of `closed` repositories; those that are to wait a while, after a failed attempt or
// for access to their repository, only when now_ms has reached it.
std::vector<WaitingJob> waiting_jobs(ReadTx& tx, const Arch& arch, std::int64_t now_ms, std::size_t count_max,
                                     const std::set<std::string>& closed = {});
// How many jobs hold a slot of this runner, cancelled ones that it has not let go of included.
int jobs_held_by(ReadTx& tx, const RunnerName& runner);
std::vector<Job> jobs_leased_to(ReadTx& tx, const RunnerName& runner);  // the same jobs
// Empty where the job is no longer queued.
std::optional<protocol::Assign> lease_job(Tx& tx, const JobId& id, const RunnerName& runner, bool emulated,
                                          std::int64_t lease_ms, std::int64_t now_ms, Random& random);
// Leases that ran out, and jobs over their deadline whatever their runner says.
std::vector<Job> jobs_with_expired_lease(ReadTx& tx, std::int64_t now_ms, std::size_t count_max);
// False where the token is no longer the job's.
bool renew_lease(Tx& tx, const JobId& id, const LeaseToken& token, std::int64_t expires_ms);

// --- for session, result and verdict
// Compare-and-set on lease and seq: counts one more item as stored.
bool advance_seq(Tx& tx, const JobId& id, const LeaseToken& token, std::uint64_t seq);
void begin_stage(Tx& tx, const Job& job, const std::string& stage, std::int64_t now_ms);
void end_stage(Tx& tx, const Job& job, const protocol::StageEnd& end, std::int64_t now_ms);

enum class AttemptEnd {
  reported,   // waits for its verdict
  requeued,   // another attempt follows
  exhausted,  // the cap is reached: done, inconclusive
  cancelled,  // its run was cancelled; the slot is free
  none,       // the lease was not the job's
};
// The runner is done with its lease. An outcome that is the host's doing gives another attempt up to the cap.
AttemptEnd end_attempt(Tx& tx, const JobId& id, const LeaseToken& token, const protocol::Finished& finished,
                       std::int64_t now_ms);

struct JobVerdict {
  RunVerdict verdict = RunVerdict::inconclusive;
  std::string first_cause;  // empty for a pass
  std::string reason;
  bool emulated = false;  // the workload said so; the runner may have said it before
  std::optional<double> initial_loss;
  std::optional<double> final_loss;
  std::optional<std::int64_t> steps;
  std::string facts_json;  // JobFacts
  std::string report_json;
  std::optional<contract::FailureSign> failure;  // of a job that failed
};
// The oldest job that waits for its verdict.
std::optional<Job> oldest_reported_job(ReadTx& tx);
// reported -> done, of this attempt. False where another was faster or the run was cancelled.
bool judge_job(Tx& tx, const JobId& id, int attempt, const JobVerdict& verdict, std::int64_t now_ms);

struct JobReport {
  std::string facts_json;
  std::string report_json;
};
std::optional<JobReport> find_report(ReadTx& tx, const JobId& id);

}  // namespace smgate::store
