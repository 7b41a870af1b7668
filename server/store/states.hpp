// The states that rows go through, and their text in the columns. Pure values; any thread.
//
//   delivery  pending -> done
//   run       fetching -> running -> deciding (all its jobs are over) -> done;  held (a fork's head), cancelled
//   (nothing
//             names it any more): both come back to fetching or running when something names the run again
//   job       queued -> leased -> reported -> done;  leased -> queued while attempts are left, else -> done;
//             any but done -> cancelled, and cancelled -> queued with its run
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace smgate::store {

enum class DeliveryState { pending, done };
enum class RunState { fetching, running, deciding, done, held, cancelled };
enum class JobState { queued, leased, reported, done, cancelled };
enum class RunVerdict { pass, fail, inconclusive };

std::string_view to_string(DeliveryState state);
std::string_view to_string(RunState state);
std::string_view to_string(JobState state);
std::string_view to_string(RunVerdict verdict);

// Throw DatabaseError: the columns hold nothing else.
DeliveryState parse_delivery_state(std::string_view text);
RunState parse_run_state(std::string_view text);
JobState parse_job_state(std::string_view text);
std::optional<RunVerdict> parse_verdict(std::string_view text);  // also what an address asks for: absent if unknown

}  // namespace smgate::store
