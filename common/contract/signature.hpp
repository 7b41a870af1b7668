// Symptoms along a branch: error texts that are alike although addresses, numbers, paths and times differ, and the
// signal that failures which look alike, while the keys they miss differ, share a cause upstream of all. Pure; any
// thread.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/contract/facts.hpp"
#include "common/contract/report.hpp"

namespace smgate::contract {

// The error text without what differs between runs of one failure: addresses, numbers, hex, paths, times, kernel keys.
std::string signature_of(std::string_view text);

// What is kept with each failing job.
struct FailureSign {
  std::string signature;          // empty: the run named no error
  std::set<std::string> missing;  // keys that were not pre-warmed, by KC-2, or where it saw none by KC-3
  bool operator==(const FailureSign&) const = default;
};
FailureSign failure_sign(const Facts& facts, const Report& report);

// The third alike failure with differing missing keys is a signal.
inline constexpr std::size_t kAlikeFailures = 3;

// Of the failing runs of a branch, oldest first, the last being the one at hand: words for a person where it is at
// least the third alike one and missing keys differ among them; none otherwise.
std::optional<std::string> upstream_signal(const std::vector<FailureSign>& failures);

}  // namespace smgate::contract
