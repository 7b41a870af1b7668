// Strong types for everything that is text on the wire and must not be swapped, and the ULIDs behind our own ids.
// Pure values; any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "common/result.hpp"

namespace smgate {

class Random;

template <class Tag>
struct Id {
  std::string value;

  bool empty() const { return value.empty(); }
  auto operator<=>(const Id&) const = default;
};

using RunId = Id<struct RunTag>;            // ULID
using JobId = Id<struct JobTag>;            // ULID
using LeaseToken = Id<struct LeaseTag>;     // ULID, new for every lease of a job
using DeliveryId = Id<struct DeliveryTag>;  // GitHub's X-GitHub-Delivery
using RunnerName = Id<struct RunnerTag>;    // [A-Za-z0-9._-]{1,64}, chosen by the operator
using CommitSha = Id<struct CommitTag>;     // 40 or 64 lower-case hex digits
using Arch = Id<struct ArchTag>;            // sm_89, sm_121, sm_90a

// A ULID (github.com/ulid/spec): 48 bits of milliseconds, 80 random bits, 26 characters of Crockford's base 32, so that
// text order is creation order. Two of one millisecond are in random order.
std::string make_ulid(std::int64_t now_ms, Random& random);

bool is_ulid(std::string_view text);
Result<CommitSha> parse_commit_sha(std::string_view text);
Result<Arch> parse_arch(std::string_view text);
Result<RunnerName> parse_runner_name(std::string_view text);

}  // namespace smgate

template <class Tag>
struct std::hash<smgate::Id<Tag>> {
  std::size_t operator()(const smgate::Id<Tag>& id) const noexcept { return std::hash<std::string>{}(id.value); }
};
