// Symptoms along a branch: error texts that are alike although addresses, numbers, paths, times and kernel keys differ,
// and the signal that failures which look alike, while the keys they miss differ, share a cause upstream of all. Called
// by the coordinator when a job has failed. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/contract/facts.hpp"
#include "common/contract/report.hpp"

namespace smgate::contract {

// The error text without what differs between runs of one failure: numbers, addresses, hex, paths, times, and what
// stands in backticks.
std::string signature_of(std::string_view text);

// What is kept with each failing job.
struct FailureSign {
  std::string signature;       // empty: the run named no error
  std::string missing_digest;  // of the set of keys that were not pre-warmed (KC-2, else KC-3); empty: none
  bool operator==(const FailureSign&) const = default;
};
// The run's kernel keys are kept out of its signature.
FailureSign failure_sign(const Facts& facts, const Report& report);

// The third alike failure with differing missing keys is a signal.
inline constexpr std::size_t kAlikeFailures = 3;

// Of the failing runs of a branch on one architecture, oldest first, the last being the one at hand: what it shares
// with the earlier ones. None where no earlier one is alike, or where all of them miss the same keys.
std::optional<Resemblance> resemblance(const std::vector<FailureSign>& failures);

}  // namespace smgate::contract
