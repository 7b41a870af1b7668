// One event of a workload, as schemas/event.schema.json describes it, and its line of JSON. Written by workloads,
// adapters, the runner and probes; read by fold. Pure values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/result.hpp"

namespace smgate::contract {

// A batch of 65,536 prefix hashes and labels is 5 MB; a longer line is not telemetry.
inline constexpr std::size_t kEventLineBytesMax = 8U << 20U;

enum class Source : std::uint8_t { self, adapter, runner, probe };
std::string_view to_string(Source source);

// An empty string means that the field is absent.
struct RunStart {
  std::string workload, version;
  std::string config_json;  // an object, as it was written
  std::string arch, device;
  std::optional<bool> emulated, cold;
  std::string compiler;
  std::string at = {};
  bool operator==(const RunStart&) const = default;
};
struct RunEnd {
  std::string status;  // ok or failed
  std::string symptom;
  std::string at = {};
  bool operator==(const RunEnd&) const = default;
};
struct PrewarmBegin {
  std::string scope, cache, at;
  bool operator==(const PrewarmBegin&) const = default;
};
struct PrewarmEnd {
  std::string scope, cache;
  std::optional<std::uint64_t> claimed;
  std::string at;
  bool operator==(const PrewarmEnd&) const = default;
};
struct Offer {
  std::string scope, cache, key, body, at;
  bool operator==(const Offer&) const = default;
};
struct Lookup {
  std::string scope, cache, key, body;
  bool hit = false;
  std::string at;
  bool operator==(const Lookup&) const = default;
};
struct Compile {
  std::string cache, key, body, target;
  std::optional<std::uint64_t> bytes;
  std::optional<double> ms;
  bool ok = false;
  std::string log, at;
  bool operator==(const Compile&) const = default;
};
struct Load {
  std::string module, cache, key, target;
  std::optional<std::uint64_t> bytes;
  std::optional<bool> native;
  std::string at;
  bool operator==(const Load&) const = default;
};
struct Unload {
  std::string module, cache, key, at;
  bool operator==(const Unload&) const = default;
};
struct Alloc {
  std::string name;
  std::uint64_t bytes = 0;
  std::optional<bool> ok;
  std::string at;
  bool operator==(const Alloc&) const = default;
};
struct Memory {
  std::uint64_t free_bytes = 0, total_bytes = 0;
  bool unified = false;
  std::string at = {};
  bool operator==(const Memory&) const = default;
};
struct PayloadBegin {
  std::string scope;
  std::optional<std::uint64_t> bytes;
  std::string at;
  bool operator==(const PayloadBegin&) const = default;
};
struct PayloadEnd {
  std::string scope;
  std::optional<std::uint64_t> bytes;
  std::string at;
  bool operator==(const PayloadEnd&) const = default;
};
struct BatchSummary {
  std::uint64_t positions = 0, distinct_inputs = 0, distinct_labels = 0, conflicting_positions = 0;
  std::optional<double> label_entropy_nats;  // H(labels given inputs); always there in an event
  bool operator==(const BatchSummary&) const = default;
};
struct Batch {
  bool frozen = false;
  std::string digest;
  std::vector<std::string> inputs;
  std::vector<std::int64_t> labels;
  std::optional<BatchSummary> summary;
  std::string at = {};
  bool operator==(const Batch&) const = default;
};
struct Step {
  std::uint64_t step = 0;
  std::optional<double> loss, ce, kl, grad_norm;
  std::optional<std::uint64_t> tokens;
  std::optional<double> ms;
  std::string at = {};
  bool operator==(const Step&) const = default;
};
struct Weights {
  std::string scope, path, claimed_container, container, magic, digest;
  std::optional<bool> finite, ok;
  std::string text, at;
  bool operator==(const Weights&) const = default;
};
struct Checkpoint {
  std::string path, claimed_container, container;
  std::optional<std::uint64_t> bytes;
  std::optional<bool> whole;
  std::optional<std::uint64_t> tensors, tensors_changed;
  std::string initial_digest, final_digest;
  std::optional<bool> finite;
  std::string text;
  std::string at = {};
  bool operator==(const Checkpoint&) const = default;
};
struct ErrorText {
  std::string text, at;
  bool operator==(const ErrorText&) const = default;
};
struct Note {
  std::string text, at;
  bool operator==(const Note&) const = default;
};

using EventBody = std::variant<RunStart, RunEnd, PrewarmBegin, PrewarmEnd, Offer, Lookup, Compile, Load, Unload, Alloc,
                               Memory, PayloadBegin, PayloadEnd, Batch, Step, Weights, Checkpoint, ErrorText, Note>;

struct Event {
  std::uint64_t seq = 0;   // position in its file, from 0, without gaps
  std::uint64_t t_ns = 0;  // CLOCK_MONOTONIC of its host
  std::uint64_t pid = 0;
  std::uint64_t rank = 0;
  Source source = Source::self;
  EventBody body;
  bool operator==(const Event&) const = default;
};

// One line, without its newline. What programs get wrong is forgiven where the meaning is plain: bare NaN and Infinity
// (Python's json.dumps), raw bytes that are not UTF-8, lone surrogates; texts for people are cut at their limit.
// Anything else that the schema refuses is an error that names field and position.
Result<Event> parse_event(std::string_view line);

// Without a newline. Floats are the shortest decimal that round-trips; bytes that are not UTF-8 become U+FFFD.
std::string to_json_line(const Event& event);

}  // namespace smgate::contract
