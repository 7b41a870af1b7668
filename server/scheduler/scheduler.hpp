// Which job goes to which runner. `plan` is pure; the others are one transaction each, called by the scheduler loop on
// the store's thread: lease_jobs when woken (a job queued, a runner free), expire_leases every second.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "server/store/access.hpp"
#include "server/store/jobs.hpp"

namespace smgate::scheduler {

// A lease outlives a lost connection or a restart of the coordinator, but not a dead host for long.
inline constexpr std::int64_t kLeaseMs = 60'000;
inline constexpr std::int64_t kHeartbeatMs = 5'000;  // twelve may be lost before the lease is
inline constexpr std::size_t kExpireBatch = 500;     // a transaction stays short even when a whole fleet is lost

// A connected runner that takes jobs: not draining.
struct FreeRunner {
  RunnerName name;
  Arch arch;
  bool emulated = false;
  int slots = 1;  // free ones
};
struct Assignment {
  JobId job;
  RunnerName runner;
  bool operator==(const Assignment&) const = default;
};
// By architecture; jobs in the order given (oldest first), one a slot. A job whose last attempt failed goes to another
// runner where one is free. Among runners: most free slots first, then by name.
std::vector<Assignment> plan(std::span<const store::WaitingJob> jobs, std::span<const FreeRunner> runners);

struct Leased {
  RunnerName runner;
  protocol::Assign assign;
};
struct HandedOut {
  std::vector<Leased> leased;
  std::vector<store::Repository> wanted;  // whose jobs come next, once a token for them is at hand
};
// `connected` says all slots a runner has; how many are free is read from the rows. A job whose repository has no token
// at hand stays where it is, and holds up none of another repository.
HandedOut lease_jobs(store::Tx& tx, std::span<const FreeRunner> connected, const store::Keys& keys,
                     std::int64_t lease_ms, std::int64_t now_ms, Random& random);

struct Expired {
  store::Lease lease;
  store::AttemptEnd end = store::AttemptEnd::none;
  RunId run;
};
// At most kExpireBatch a call; a full answer means: call again.
std::vector<Expired> expire_leases(store::Tx& tx, std::int64_t now_ms);

}  // namespace smgate::scheduler
