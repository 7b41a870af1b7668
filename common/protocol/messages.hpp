// What a runner and the coordinator say to each other over the WebSocket at /runner/v1: one JSON object a text message,
// described by schemas/runner_protocol.schema.json. Pure values; any thread.
//
//   runner                                   coordinator
//     Hello (held jobs, each with its lease) -->
//                                            <-- Welcome, then for each held job Resume (and Cancel, where
//                                            its run is no longer wanted) or Refuse
//     Heartbeat, every heartbeat_ms          -->     renews the leases of the jobs it names
//                                            <-- Assign (a job, under a new lease)
//     Item 0, 1, 2, ...                      -->     each is stored under job, lease and seq, once
//                                            <-- Ack (all items up to seq are durable)
//                                            <-- Cancel (stop; report finished: cancelled), Refuse (drop it, report
//                                            nothing)
//     Item n: Finished                       -->     the last of a job
//
// Items are numbered from 0 for each lease, sent in order, and kept on the runner's disk until acknowledged. After a
// lost connection the runner says Hello again and goes on at Resume.next_seq.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/gate/stage.hpp"
#include "common/git_credential.hpp"
#include "common/ids.hpp"
#include "common/result.hpp"

namespace smgate::protocol {

inline constexpr int kVersion = 1;
inline constexpr std::size_t kMessageBytesMax = 2U << 20U;     // an item's data in base 64 with room to spare
inline constexpr std::size_t kItemDataBytesMax = 256U << 10U;  // one row of the store; small enough to stay live
inline constexpr std::size_t kItemsUnacknowledgedMax = 64;     // window: bounds what either side buffers
inline constexpr std::int64_t kDeadlineMax_s = 7 * 86'400;     // a week: longer than any job should hold a GPU

struct Device {
  std::string name;
  std::uint64_t memory_bytes = 0;
  bool unified = false;   // one memory for CPU and GPU
  bool emulated = false;  // a CPU plays the architecture
  bool operator==(const Device&) const = default;
};

struct HeldJob {
  JobId job;
  LeaseToken lease;
  bool operator==(const HeldJob&) const = default;
};

// --- runner to coordinator
struct Hello {
  int protocol = kVersion;
  RunnerName runner;
  Arch arch;
  std::string host;
  std::string version;
  Device device;
  int slots = 1;
  bool draining = false;  // takes no new job
  std::vector<HeldJob> held;
  bool operator==(const Hello&) const = default;
};
struct Heartbeat {
  bool draining = false;
  std::vector<HeldJob> held;
  bool operator==(const Heartbeat&) const = default;
};

enum class StageOutcome { succeeded, failed, timed_out, cancelled, not_started };
struct StageBegin {
  std::string stage;
  bool operator==(const StageBegin&) const = default;
};
struct StageEnd {
  std::string stage;
  StageOutcome outcome = StageOutcome::succeeded;
  int exit_code = 0;  // where it exited
  int signal = 0;     // where a signal ended it, else 0
  std::int64_t duration_ms = 0;
  bool operator==(const StageEnd&) const = default;
};
struct LogChunk {
  std::string stage;
  std::string bytes;  // raw, perhaps cut inside a UTF-8 sequence; base 64 on the wire as "data"
  bool operator==(const LogChunk&) const = default;
};
struct EventChunk {
  std::string file;           // name of the events file in the stage's folder: one process
  std::string lines;          // complete lines, each ended by a newline; only the file's last may lack it
  std::string part = "main";  // which run of the job wrote them, see common/contract/job_facts.hpp
  bool operator==(const EventChunk&) const = default;
};

// completed: every stage ran to its end, whatever its exit code said. stage_failed and timed_out are the code's doing
// and are judged. The others are the host's doing: the coordinator tries again up to the attempt cap.
enum class JobOutcome { completed, stage_failed, timed_out, cancelled, checkout_failed, lost, runner_error };
struct Finished {
  JobOutcome outcome = JobOutcome::completed;
  std::string text;  // for a person: what failed, where, what to do; empty where nothing did
  bool operator==(const Finished&) const = default;
};

using ItemBody = std::variant<StageBegin, StageEnd, LogChunk, EventChunk, Finished>;
struct Item {
  JobId job;
  LeaseToken lease;
  std::uint64_t seq = 0;
  ItemBody body;
  bool operator==(const Item&) const = default;
};

// --- coordinator to runner
struct Welcome {
  std::int64_t heartbeat_ms = 0;
  std::int64_t lease_ms = 0;
  bool operator==(const Welcome&) const = default;
};
struct Assign {
  JobId job;
  LeaseToken lease;
  int attempt = 1;
  std::string repository;  // owner/name
  std::string clone_url;
  CommitSha commit;
  std::string
      ref;  // a ref that contained the commit when it was queued, for servers that refuse fetches by SHA; may be empty
  // For the fetch of a private repository, and for that alone: reads this one repository, for less than an hour. The
  // runner keeps it in memory until the checkout is done, and gives it to no stage; it is never on a disk.
  std::optional<GitCredential> credential;
  Arch arch;
  std::vector<Stage> stages;
  bool stability = false;             // run a second time, shortly, from another folder: part "again"
  std::vector<std::string> controls;  // then each of these, see contract::kControlNames: part "control:NAME"
  // The gate file's JSON object: turns the log of the stages that feed a contract into events.
  std::optional<std::string> adapter;
  std::int64_t deadline_s = 0;  // for the whole job, checkout and all its parts included
  bool operator==(const Assign&) const = default;
};
struct Ack {
  JobId job;
  LeaseToken lease;
  std::uint64_t seq = 0;
  bool operator==(const Ack&) const = default;
};
struct Resume {
  JobId job;
  LeaseToken lease;
  std::uint64_t next_seq = 0;
  bool operator==(const Resume&) const = default;
};
struct Cancel {
  JobId job;
  LeaseToken lease;
  std::string reason;
  bool operator==(const Cancel&) const = default;
};
struct Refuse {
  JobId job;
  LeaseToken lease;
  std::string reason;
  bool operator==(const Refuse&) const = default;
};

using FromRunner = std::variant<Hello, Heartbeat, Item>;
using FromCoordinator = std::variant<Welcome, Assign, Ack, Resume, Cancel, Refuse>;

std::string to_text(const FromRunner& message);
std::string to_text(const FromCoordinator& message);
// An unknown "type", a missing or wrong field, or a message over kMessageBytesMax is an error that names it.
Result<FromRunner> parse_from_runner(std::string_view text);
Result<FromCoordinator> parse_from_coordinator(std::string_view text);

std::string_view to_string(StageOutcome outcome);
std::string_view to_string(JobOutcome outcome);
std::string_view to_string(Feeds feeds);
std::optional<Feeds> parse_feeds(std::string_view text);

}  // namespace smgate::protocol
