// Where the coordinator may be stopped between two transactions, in the order of a run's life. The shell calls
// crash_point(kX) outside of any transaction, at the place the comment says. Tests enumerate kCrashPoints.
#pragma once

#include <array>
#include <string_view>

namespace smgate::store {

inline constexpr std::string_view kDeliveryStored = "intake.delivery_stored";        // durable, 202 not sent
inline constexpr std::string_view kDeliveryAnswered = "intake.delivery_answered";    // 202 sent, not processed
inline constexpr std::string_view kDeliveryProcessed = "intake.delivery_processed";  // run made, source not woken
inline constexpr std::string_view kGateFilesRead = "source.gate_files_read";  // fetched and parsed, no row says so
inline constexpr std::string_view kJobsCreated = "source.jobs_created";       // scheduler not woken
inline constexpr std::string_view kFetchRetried = "source.fetch_retried";     // next attempt is in the row
inline constexpr std::string_view kLeased = "scheduler.leased";               // Assign not sent
inline constexpr std::string_view kAssignSent = "session.assign_sent";
inline constexpr std::string_view kHelloStored = "session.hello_stored";      // Welcome not sent
inline constexpr std::string_view kLeasesRenewed = "session.leases_renewed";  // nobody told of refused ones
inline constexpr std::string_view kItemStored = "session.item_stored";        // not acknowledged
inline constexpr std::string_view kItemAcked = "session.item_acked";
inline constexpr std::string_view kJobReported = "result.job_reported";   // Finished stored, verdict not woken
inline constexpr std::string_view kJobRequeued = "result.job_requeued";   // Finished stored, scheduler not woken
inline constexpr std::string_view kJobFolded = "verdict.job_folded";      // judged in memory, no row says so
inline constexpr std::string_view kJobJudged = "verdict.job_judged";      // and others of the run are open
inline constexpr std::string_view kRunCompared = "verdict.run_compared";  // its architectures compared in memory
inline constexpr std::string_view kRunDecided = "verdict.run_decided";    // nobody told
inline constexpr std::string_view kLeasesExpired = "scheduler.leases_expired";
inline constexpr std::string_view kCancelsSent = "session.cancels_sent";

inline constexpr std::string_view kCallsWritten = "reporter.calls_written";  // sender not woken
inline constexpr std::string_view kCallBegun = "sender.call_begun";          // nothing sent
inline constexpr std::string_view kCallAnswered = "sender.call_answered";    // by GitHub, and no row says so
inline constexpr std::string_view kAskedAgain = "recovery.asked_again";      // sender not woken
inline constexpr std::string_view kHeadsTold = "recovery.heads_told";        // intake not woken

inline constexpr std::string_view kTokenNoted = "keyring.token_noted";      // the token is in memory alone
inline constexpr std::string_view kRefusalNoted = "keyring.refusal_noted";  // source and scheduler not woken
inline constexpr std::string_view kRawDropped = "retention.raw_dropped";    // of one job, and others wait

inline constexpr std::array kCrashPoints = {
    kDeliveryStored, kDeliveryAnswered, kDeliveryProcessed, kGateFilesRead, kJobsCreated,  kFetchRetried,
    kLeased,         kAssignSent,       kHelloStored,       kLeasesRenewed, kItemStored,   kItemAcked,
    kJobReported,    kJobRequeued,      kJobFolded,         kJobJudged,     kRunCompared,  kRunDecided,
    kLeasesExpired,  kCancelsSent,      kCallsWritten,      kCallBegun,     kCallAnswered, kAskedAgain,
    kHeadsTold,      kTokenNoted,       kRefusalNoted,      kRawDropped};

}  // namespace smgate::store
