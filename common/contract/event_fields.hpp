// The fields of every event, once, for the reader and the writer of lines. Internal to event_parse and event_write.
#pragma once

#include <concepts>
#include <cstddef>
#include <string_view>
#include <type_traits>

#include "common/contract/event.hpp"

namespace smgate::contract {

enum class Need { optional, required };
struct TextRule {
  std::size_t bytes_max;
  Need need = Need::optional;
  bool cut = false;  // where longer: cut it, instead of refusing the line
};
// The limits of schemas/event.schema.json. Names and keys identify, so they are never cut.
inline constexpr TextRule kText{65536, Need::optional, true};
inline constexpr TextRule kTextNeeded{65536, Need::required, true};
inline constexpr TextRule kAt{4096, Need::optional, true};
inline constexpr TextRule kName{4096}, kNameNeeded{4096, Need::required};
inline constexpr TextRule kDigest{128}, kDigestNeeded{128, Need::required};
inline constexpr TextRule kLabel{256}, kLabelNeeded{256, Need::required};
inline constexpr std::size_t kPositionsMax = 65536;

// A text that is one of few.
struct Choice {
  std::string_view words;  // separated by spaces
  Need need = Need::optional;
};
inline constexpr Choice kContainers{"safetensors apr gguf unknown none"};
inline constexpr Choice kClaimedContainers{"safetensors apr gguf none"};
struct RawObject {};  // an object kept as text
struct Hex {};        // up to 32 lower-case hex digits
struct ArchName {};   // sm_89

template <class E, class T>
concept Is = std::same_as<std::remove_const_t<E>, T>;

inline constexpr std::string_view kEventNames[] = {
    "run_start", "run_end", "prewarm_begin", "prewarm_end", "offer",         "lookup",      "compile",
    "load",      "unload",  "alloc",         "memory",      "payload_begin", "payload_end", "batch",
    "step",      "weights", "checkpoint",    "error",       "note"};
static_assert(std::size(kEventNames) == std::variant_size_v<EventBody>);

template <class F, Is<RunStart> E>
void fields(F& f, E& e) {
  f("workload", e.workload, kName), f("version", e.version, kText), f("config", e.config_json, RawObject{});
  f("arch", e.arch, ArchName{}), f("device", e.device, kText), f("emulated", e.emulated), f("cold", e.cold);
  f("compiler", e.compiler, kText), f("at", e.at, kAt);
}
template <class F, Is<RunEnd> E>
void fields(F& f, E& e) {
  f("status", e.status, Choice{"ok failed", Need::required}), f("symptom", e.symptom, kText), f("at", e.at, kAt);
}
template <class F, Is<PrewarmBegin> E>
void fields(F& f, E& e) {
  f("scope", e.scope, kLabelNeeded), f("cache", e.cache, kLabel), f("at", e.at, kAt);
}
template <class F, Is<PrewarmEnd> E>
void fields(F& f, E& e) {
  f("scope", e.scope, kLabelNeeded), f("cache", e.cache, kLabel), f("claimed", e.claimed), f("at", e.at, kAt);
}
template <class F, Is<Offer> E>
void fields(F& f, E& e) {
  f("scope", e.scope, kLabelNeeded), f("cache", e.cache, kLabelNeeded), f("key", e.key, kNameNeeded);
  f("body", e.body, kDigestNeeded), f("at", e.at, kAt);
}
template <class F, Is<Lookup> E>
void fields(F& f, E& e) {
  f("scope", e.scope, kLabel), f("cache", e.cache, kLabelNeeded), f("key", e.key, kNameNeeded);
  f("body", e.body, kDigest), f("hit", e.hit), f("at", e.at, kAt);
}
template <class F, Is<Compile> E>
void fields(F& f, E& e) {
  f("cache", e.cache, kLabelNeeded), f("key", e.key, kName), f("body", e.body, kDigest);
  f("target", e.target, kText), f("bytes", e.bytes), f("ms", e.ms), f("ok", e.ok), f("log", e.log, kText);
  f("at", e.at, kAt);
}
template <class F, Is<Load> E>
void fields(F& f, E& e) {
  f("module", e.module, kDigestNeeded), f("cache", e.cache, kLabel), f("key", e.key, kName);
  f("target", e.target, kText), f("bytes", e.bytes), f("native", e.native), f("at", e.at, kAt);
}
template <class F, Is<Unload> E>
void fields(F& f, E& e) {
  f("module", e.module, kDigestNeeded), f("cache", e.cache, kLabel), f("key", e.key, kName), f("at", e.at, kAt);
}
template <class F, Is<Alloc> E>
void fields(F& f, E& e) {
  f("name", e.name, kNameNeeded), f("bytes", e.bytes), f("ok", e.ok), f("at", e.at, kAt);
}
template <class F, Is<Memory> E>
void fields(F& f, E& e) {
  f("free", e.free_bytes), f("total", e.total_bytes), f("unified", e.unified), f("at", e.at, kAt);
}
template <class F, class E>
requires Is<E, PayloadBegin> || Is<E, PayloadEnd>
void fields(F& f, E& e) { f("scope", e.scope, kLabelNeeded), f("bytes", e.bytes), f("at", e.at, kAt); }
template <class F, Is<Batch> E>
void fields(F& f, E& e) {
  f("frozen", e.frozen), f("digest", e.digest, kDigest), f("inputs", e.inputs), f("labels", e.labels);
  f("summary", e.summary), f("at", e.at, kAt);
}
template <class F, Is<BatchSummary> E>
void fields(F& f, E& e) {
  f("positions", e.positions), f("distinct_inputs", e.distinct_inputs), f("distinct_labels", e.distinct_labels);
  f("conflicting_positions", e.conflicting_positions), f("label_entropy_nats", e.label_entropy_nats, Need::required);
}
template <class F, Is<Step> E>
void fields(F& f, E& e) {
  f("step", e.step), f("loss", e.loss), f("ce", e.ce), f("kl", e.kl), f("grad_norm", e.grad_norm);
  f("tokens", e.tokens), f("ms", e.ms), f("at", e.at, kAt);
}
template <class F, Is<Weights> E>
void fields(F& f, E& e) {
  f("scope", e.scope, kLabelNeeded), f("path", e.path, kText);
  f("claimed_container", e.claimed_container, kClaimedContainers), f("container", e.container, kContainers);
  f("magic", e.magic, Hex{}), f("digest", e.digest, kDigest), f("finite", e.finite), f("ok", e.ok);
  f("text", e.text, kText), f("at", e.at, kAt);
}
template <class F, Is<Checkpoint> E>
void fields(F& f, E& e) {
  f("path", e.path, kTextNeeded), f("claimed_container", e.claimed_container, kClaimedContainers);
  f("container", e.container, kContainers), f("bytes", e.bytes), f("whole", e.whole), f("tensors", e.tensors);
  f("tensors_changed", e.tensors_changed), f("initial_digest", e.initial_digest, kDigest);
  f("final_digest", e.final_digest, kDigest), f("finite", e.finite), f("text", e.text, kText);
  f("at", e.at, kAt);
}
template <class F, class E>
requires Is<E, ErrorText> || Is<E, Note>
void fields(F& f, E& e) { f("text", e.text, kTextNeeded), f("at", e.at, kAt); }

}  // namespace smgate::contract
