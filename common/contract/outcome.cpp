#include "common/contract/outcome.hpp"

namespace smgate::contract {
namespace {

using protocol::JobOutcome;

// Null: it ended well.
const char* cause_of(JobOutcome outcome) {
  switch (outcome) {
    case JobOutcome::completed:
      return nullptr;
    case JobOutcome::stage_failed:
      return "stage_failed";
    case JobOutcome::timed_out:
      return "stage_timed_out";
    case JobOutcome::cancelled:
      return "cancelled";
    case JobOutcome::checkout_failed:
      return "checkout_failed";
    case JobOutcome::lost:
      return "runner_lost";
    case JobOutcome::runner_error:
      return "runner_error";
  }
  return nullptr;
}

void put_first(Report& report, Verdict verdict, const char* id, const std::string& text) {
  Cause cause;
  cause.id = id;
  cause.text = text;
  for (const ClauseResult& clause : report.clauses)
    if (clause.outcome == Outcome::inconclusive) cause.clauses.push_back(clause.id);
  cause.explains = cause.clauses.size();
  report.causes.insert(report.causes.begin(), std::move(cause));
  report.verdict = verdict;
}

}  // namespace

void add_outcome(Report& report, JobOutcome outcome, const std::string& text) {
  const char* cause = cause_of(outcome);
  if (cause == nullptr) return;
  const bool its_own = outcome == JobOutcome::stage_failed || outcome == JobOutcome::timed_out;
  if (its_own && report.verdict == Verdict::fail) return;
  put_first(report, its_own ? Verdict::fail : Verdict::inconclusive, cause, text);
}

void add_cut_record(Report& report, const std::string& text) {
  put_first(report, Verdict::inconclusive, "events_cut", text);
}

}  // namespace smgate::contract
