// What is known of a run: the fold of its events. Small (keys, and 16 bytes a step), stored with the job, and all that
// rules read, also those that compare runs. Made by fold.hpp, kept as JSON by facts_json.hpp. Pure values; any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/contract/event.hpp"

namespace smgate::contract {

// Bounds on what a hostile or broken workload can make the coordinator hold. What is left out is counted, and a run
// with something left out cannot pass.
inline constexpr std::size_t kProcessesMax = 1024;       // ranks and their children on one host
inline constexpr std::size_t kKeysMax = 100'000;         // of a run; the largest known model has 23,547 kernels
inline constexpr std::size_t kScopesMax = 10'000;        // models in a process
inline constexpr std::size_t kBodiesMax = 4096;          // of one key
inline constexpr std::size_t kUnkeyedMax = 4096;         // compiles that no cache logged
inline constexpr std::size_t kStepsKeptMax = 4'000'000;  // 64 MB
inline constexpr std::size_t kSamplesMax = 64;           // of each kind of oddity: first ones are enough to find it
inline constexpr std::size_t kAllocationsMax = 1024;     // the largest
inline constexpr std::size_t kConfigMax = 1000;          // entries

// Points at an event: process, source and position in the file; `at` is the source line that the event names.
struct EventRef {
  std::uint64_t pid = 0, rank = 0;
  Source source = Source::self;
  std::uint64_t seq = 0;
  std::string at;
  auto operator<=>(const EventRef&) const = default;
};

struct Occurrence {
  EventRef ref;
  std::uint64_t t_ns = 0;
  std::optional<std::uint64_t> bytes;
  std::optional<double> ms;
  bool operator==(const Occurrence&) const = default;
};

// Compiles, or loads, of one key. Pending: seen outside any pre-warm and owned by no scope, so the next mark takes
// them; where none comes, they were late.
struct Work {
  std::uint64_t in_prewarm = 0, late = 0, pending = 0, failed = 0;
  std::optional<Occurrence> first_late, first_pending;
  std::uint64_t late_total() const { return late + pending; }
  const std::optional<Occurrence>& first_late_of_all() const { return first_late ? first_late : first_pending; }
  bool operator==(const Work&) const = default;
};

struct Body {
  std::string body;  // digest; empty where the event names none
  std::string scope;
  std::uint64_t count = 0;
  EventRef first;
  bool operator==(const Body&) const = default;
};

struct Mismatch {
  std::string cached, wanted;  // digests
  std::uint64_t count = 0;
  EventRef lookup;
  bool operator==(const Mismatch&) const = default;
};

struct Target {
  std::string target;
  std::optional<bool> native;
  EventRef first;
  bool operator==(const Target&) const = default;
};

struct Key {
  std::vector<Body> offers;   // distinct bodies in the order in which pre-warms offered them: the first holds the key
  std::vector<Body> lookups;  // distinct bodies that run-time callers would build
  std::uint64_t bodies_left_out = 0;
  std::uint64_t hits = 0, misses = 0;  // at run time
  std::optional<EventRef> first_lookup, first_miss;
  Work compiles, loads;
  std::uint64_t unloads = 0;
  std::optional<Mismatch> mismatch;  // a hit gave another body than the caller would build
  std::vector<Target> targets;       // of compiles and loads
  std::uint64_t bytes = 0;           // of the module
  // State of the fold: the scope that last asked for the key, and the body that the cache holds under it.
  std::string owner_scope, cached_body;

  bool looked_up() const { return hits + misses > 0; }
  bool prewarmed() const {
    const bool tried = !offers.empty() || compiles.in_prewarm > 0 || loads.in_prewarm > 0;
    return tried && (compiles.failed == 0 || compiles.in_prewarm > 0 || loads.in_prewarm > 0);
  }
  bool operator==(const Key&) const = default;
};
using Keys = std::map<std::string, Key, std::less<>>;

struct Scope {
  std::string cache;  // of its marks; empty: all
  std::uint64_t begins = 0, ends = 0;
  bool open = false;
  std::optional<EventRef> first_begin, last_end;
  std::uint64_t ended_t_ns = 0;
  std::uint64_t offers = 0, compiles = 0, loads = 0;  // in its pre-warm
  std::optional<std::uint64_t> claimed;
  std::string after_payload_of;  // a scope whose payload began before this pre-warm ended
  std::optional<EventRef> payload_before;
  std::optional<EventRef> payload;                // its own
  std::uint64_t payload_bytes = 0;                // declared
  std::optional<std::uint64_t> free_bytes_after;  // at the first memory event after the pre-warm
  bool did_nothing() const { return ends > 0 && offers + compiles + loads == 0; }
  bool operator==(const Scope&) const = default;
};

struct UnkeyedCompile {
  std::string cache;
  Occurrence occurrence;
  std::string log;
  bool operator==(const UnkeyedCompile&) const = default;
};

struct Allocation {
  std::string name;
  std::uint64_t bytes = 0;
  bool refused = false, in_payload = false;
  EventRef ref;
  bool operator==(const Allocation&) const = default;
};

// 16 bytes a step. NaN stands for what was absent, too: the oddities below tell them apart.
struct Point {
  double loss = 0;
  float grad_norm = 0;
  float ms = 0;
};
static_assert(sizeof(Point) == 16);

struct OddStep {
  std::uint64_t step = 0;
  std::string what;  // of a value that is not finite: its name
  EventRef ref;
  bool operator==(const OddStep&) const = default;
};
struct OddSteps {
  std::uint64_t count = 0;
  std::vector<OddStep> first;
  bool operator==(const OddSteps&) const = default;
};

struct Curve {
  std::vector<Point> points;  // in the order of arrival: point i is step i unless `skipped` says otherwise
  std::uint64_t left_out = 0;
  std::uint64_t next_step = 0;
  OddSteps skipped;   // step is the one that came, after a gap
  OddSteps repeated;  // step came again or late
  OddSteps without_loss;
  OddSteps loss_not_finite, grad_norm_not_finite;
  OddSteps loss_zero;
  OddSteps loss_stuck;  // the third, or a later, in a row of one value
  std::uint64_t grad_norms = 0, grad_norms_above_zero = 0;
  std::optional<double> first_ce, last_ce;
  std::uint64_t tokens = 0;
  double ms = 0;
  std::optional<EventRef> first, last;
  bool operator==(const Curve& other) const;
};

struct BatchFacts {
  bool frozen = false;
  std::string digest;
  std::optional<BatchSummary> summary;
  EventRef ref;
  bool operator==(const BatchFacts&) const = default;
};

struct WeightsFacts {
  Weights weights;
  EventRef ref;
  bool operator==(const WeightsFacts&) const = default;
};
struct CheckpointFacts {
  Checkpoint checkpoint;
  EventRef ref;
  bool operator==(const CheckpointFacts&) const = default;
};

struct Symptom {
  std::string text;
  EventRef ref;
  bool operator==(const Symptom&) const = default;
};

struct Start {
  std::string workload, version, arch, device, compiler;
  std::map<std::string, std::string> config;  // by dotted path; values as JSON text
  std::optional<bool> emulated, cold;
  EventRef ref;
  bool operator==(const Start&) const = default;
};

struct ProcessId {
  std::uint64_t rank = 0, pid = 0;  // so that the lowest rank comes first
  auto operator<=>(const ProcessId&) const = default;
};

struct Process {
  std::map<std::string, std::uint64_t, std::less<>> next_seq;  // by source
  std::uint64_t events_missing = 0, events_out_of_order = 0;
  std::optional<Start> start;
  std::optional<RunEnd> end;
  std::optional<EventRef> end_ref;
  std::map<std::string, Scope, std::less<>> scopes;
  std::map<std::string, Keys, std::less<>> caches;
  Keys modules;                         // loads without a key, by digest
  std::vector<UnkeyedCompile> unkeyed;  // outside any pre-warm; the next mark takes them, else they were late
  std::vector<std::pair<std::string, std::string>> pending;  // cache and key; cache "" and module: a load
  std::uint64_t open_scopes = 0;
  std::uint64_t marks = 0;  // ends of pre-warms
  std::uint64_t cache_events = 0;
  std::uint64_t payloads_open = 0;
  std::optional<EventRef> first_payload;
  std::string first_payload_scope;
  std::optional<Memory> memory;  // the latest
  std::vector<Allocation> allocations;
  Curve curve;
  std::uint64_t steps_at_last_miss = 0;  // steps reported when a kernel was last asked for that was not there
  std::uint64_t misses = 0;
  std::vector<BatchFacts> batches;  // distinct
  std::uint64_t batch_events = 0, batch_events_not_frozen = 0;
  std::vector<WeightsFacts> weights;
  std::vector<CheckpointFacts> checkpoints;
  std::vector<Symptom> errors;
  std::uint64_t error_count = 0;
  bool operator==(const Process&) const = default;
};

struct Facts {
  std::uint64_t events = 0;
  std::uint64_t keys = 0;
  std::uint64_t left_out = 0;    // what the bounds above cut: keys, scopes, processes
  std::uint64_t unreadable = 0;  // lines
  std::string first_unreadable;
  std::map<ProcessId, Process> processes;
  bool operator==(const Facts&) const = default;
};

// --- what several rules ask

// The start that names the workload: the workload's own of the lowest rank, else the runner's; may be null.
const Start* main_start(const Facts& facts);
// Whether a CPU plays the device: one who says so is enough, the workload or the runner. None: nobody says.
std::optional<bool> emulated(const Facts& facts);
// The process whose steps are the run's curve: the lowest rank that reports any; null where none does.
const Process* training_process(const Facts& facts);
// A declared number of the configuration.
std::optional<double> config_number(const Facts& facts, const std::string& path);
std::optional<std::uint64_t> declared_steps(const Facts& facts);

// Whether the run is known to have ended well: somebody said so, and every process that said it started did.
bool completed(const Facts& facts);
// The end that was reported as failed, or an error, whichever names a text; null where the run did not fail.
std::optional<Symptom> failure(const Facts& facts);

}  // namespace smgate::contract
