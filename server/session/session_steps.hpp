// What the coordinator does about each message of a runner, as transactions: the connection around them is
// session_link. Called on the store's thread. The runner's name comes from its token, never from the message alone.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/protocol/messages.hpp"
#include "server/store/jobs.hpp"
#include "server/store/runners.hpp"

namespace smgate::session {

// What becomes of a job that a runner says it holds.
enum class Standing {
  good,       // go on
  cancelled,  // stop, and report finished: cancelled
  refused,    // another lease holds the job, or it is over: drop it
};
struct HeldStanding {
  protocol::HeldJob held;
  Standing standing = Standing::refused;
  std::string reason;
  std::uint64_t next_seq = 0;
};

// Resume, Cancel or Refuse.
protocol::FromCoordinator message_for(const HeldStanding& standing);
// What a runner hears of the jobs that its Hello named. A cancelled one is resumed, too: only so can the runner report
// its end, and the slot become free.
std::vector<protocol::FromCoordinator> answers_to_hello(const std::vector<HeldStanding>& standings);

// Welcome is the shell's; the standings follow it, in the order of hello.held. An error where the name, architecture or
// protocol version is not what the token stands for: close the connection. Leases that are good are renewed.
Result<std::vector<HeldStanding>> say_hello(store::Tx& tx, const store::Runner& runner, const protocol::Hello& hello,
                                            std::int64_t lease_ms, std::int64_t now_ms);

// The heartbeats of about a second, of all connections, in one transaction. Answers in the order given; only those that
// are not good need a message.
struct Renewal {
  RunnerName runner;
  protocol::HeldJob held;
};
std::vector<HeldStanding> renew_leases(store::Tx& tx, std::span<const Renewal> renewals, std::int64_t lease_ms,
                                       std::int64_t now_ms);

// What an accepted item's body does to the rows: result::record_item in the program.
using ItemSink =
    std::function<store::AttemptEnd(store::Tx&, const store::Job&, const protocol::Item&, std::int64_t now_ms)>;

enum class ItemFate {
  stored,     // acknowledge after the COMMIT
  duplicate,  // stored before: acknowledge again
  gap,        // items before it are missing: close the connection; the Resume after the next Hello says from where
  refused,    // the lease is not the job's: send Refuse. Nothing was stored
};
struct ItemAnswer {
  ItemFate fate = ItemFate::refused;
  std::string reason;  // of gap and refused
  std::uint64_t acked_seq = 0;
  store::AttemptEnd end = store::AttemptEnd::none;  // other than none: the item was Finished; wake verdict or scheduler
  RunId run;                                        // for live views; empty where refused
};
// One transaction. An Ack says that all up to acked_seq is durable.
ItemAnswer take_item(store::Tx& tx, const RunnerName& runner, const protocol::Item& item, const ItemSink& sink,
                     std::int64_t now_ms);

}  // namespace smgate::session
