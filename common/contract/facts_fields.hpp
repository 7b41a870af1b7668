// The fields of facts, once, for the reader and the writer of their JSON. Internal to facts_json.
#pragma once

#include "common/contract/event_fields.hpp"
#include "common/contract/facts.hpp"

namespace smgate::contract {

template <class F, Is<EventRef> E>
void keep(F& f, E& e) {
  f("pid", e.pid), f("rank", e.rank), f("source", e.source), f("seq", e.seq), f("at", e.at);
}
template <class F, Is<Occurrence> E>
void keep(F& f, E& e) {
  f("ref", e.ref), f("t_ns", e.t_ns), f("bytes", e.bytes), f("ms", e.ms);
}
template <class F, Is<Work> E>
void keep(F& f, E& e) {
  f("in_prewarm", e.in_prewarm), f("late", e.late), f("pending", e.pending), f("failed", e.failed);
  f("first_late", e.first_late), f("first_pending", e.first_pending);
}
template <class F, Is<Body> E>
void keep(F& f, E& e) {
  f("body", e.body), f("scope", e.scope), f("count", e.count), f("first", e.first);
}
template <class F, Is<Mismatch> E>
void keep(F& f, E& e) {
  f("cached", e.cached), f("wanted", e.wanted), f("count", e.count), f("lookup", e.lookup);
}
template <class F, Is<Target> E>
void keep(F& f, E& e) {
  f("target", e.target), f("native", e.native), f("first", e.first);
}
template <class F, Is<Key> E>
void keep(F& f, E& e) {
  f("offers", e.offers), f("lookups", e.lookups), f("bodies_left_out", e.bodies_left_out), f("hits", e.hits);
  f("misses", e.misses), f("first_lookup", e.first_lookup), f("first_miss", e.first_miss), f("compiles", e.compiles);
  f("loads", e.loads), f("unloads", e.unloads), f("mismatch", e.mismatch), f("targets", e.targets);
  f("bytes", e.bytes), f("owner_scope", e.owner_scope), f("cached_body", e.cached_body);
}
template <class F, Is<Scope> E>
void keep(F& f, E& e) {
  f("cache", e.cache), f("begins", e.begins), f("ends", e.ends), f("open", e.open), f("first_begin", e.first_begin);
  f("last_end", e.last_end), f("ended_t_ns", e.ended_t_ns), f("offers", e.offers), f("compiles", e.compiles);
  f("loads", e.loads), f("claimed", e.claimed), f("after_payload_of", e.after_payload_of);
  f("payload_before", e.payload_before), f("payload", e.payload), f("payload_bytes", e.payload_bytes);
  f("free_bytes_after", e.free_bytes_after);
}
template <class F, Is<UnkeyedCompile> E>
void keep(F& f, E& e) {
  f("cache", e.cache), f("occurrence", e.occurrence), f("log", e.log);
}
template <class F, Is<Allocation> E>
void keep(F& f, E& e) {
  f("name", e.name), f("bytes", e.bytes), f("refused", e.refused), f("in_payload", e.in_payload), f("ref", e.ref);
}
template <class F, Is<OddStep> E>
void keep(F& f, E& e) {
  f("step", e.step), f("what", e.what), f("ref", e.ref);
}
template <class F, Is<OddSteps> E>
void keep(F& f, E& e) {
  f("count", e.count), f("first", e.first);
}
template <class F, Is<Curve> E>
void keep(F& f, E& e) {
  f("points", e.points), f("left_out", e.left_out), f("next_step", e.next_step), f("skipped", e.skipped);
  f("repeated", e.repeated), f("without_loss", e.without_loss), f("loss_not_finite", e.loss_not_finite);
  f("grad_norm_not_finite", e.grad_norm_not_finite), f("loss_zero", e.loss_zero), f("loss_stuck", e.loss_stuck);
  f("grad_norms", e.grad_norms), f("grad_norms_above_zero", e.grad_norms_above_zero), f("first_ce", e.first_ce);
  f("last_ce", e.last_ce), f("tokens", e.tokens), f("ms", e.ms), f("first", e.first), f("last", e.last);
}
template <class F, Is<BatchSummary> E>
void keep(F& f, E& e) {
  f("positions", e.positions), f("distinct_inputs", e.distinct_inputs), f("distinct_labels", e.distinct_labels);
  f("conflicting_positions", e.conflicting_positions), f("label_entropy_nats", e.label_entropy_nats);
}
template <class F, Is<BatchFacts> E>
void keep(F& f, E& e) {
  f("frozen", e.frozen), f("digest", e.digest), f("summary", e.summary), f("ref", e.ref);
}
template <class F, Is<Weights> E>
void keep(F& f, E& e) {
  f("scope", e.scope), f("path", e.path), f("claimed_container", e.claimed_container), f("container", e.container);
  f("magic", e.magic), f("digest", e.digest), f("finite", e.finite), f("ok", e.ok), f("text", e.text), f("at", e.at);
}
template <class F, Is<WeightsFacts> E>
void keep(F& f, E& e) {
  f("weights", e.weights), f("ref", e.ref);
}
template <class F, Is<Checkpoint> E>
void keep(F& f, E& e) {
  f("path", e.path), f("claimed_container", e.claimed_container), f("container", e.container), f("bytes", e.bytes);
  f("whole", e.whole), f("tensors", e.tensors), f("tensors_changed", e.tensors_changed);
  f("initial_digest", e.initial_digest), f("final_digest", e.final_digest), f("finite", e.finite), f("text", e.text);
  f("at", e.at);
}
template <class F, Is<CheckpointFacts> E>
void keep(F& f, E& e) {
  f("checkpoint", e.checkpoint), f("ref", e.ref);
}
template <class F, Is<Symptom> E>
void keep(F& f, E& e) {
  f("text", e.text), f("ref", e.ref);
}
template <class F, Is<Start> E>
void keep(F& f, E& e) {
  f("workload", e.workload), f("version", e.version), f("arch", e.arch), f("device", e.device);
  f("compiler", e.compiler), f("config", e.config), f("emulated", e.emulated), f("cold", e.cold), f("ref", e.ref);
}
template <class F, Is<RunEnd> E>
void keep(F& f, E& e) {
  f("status", e.status), f("symptom", e.symptom), f("at", e.at);
}
template <class F, Is<Memory> E>
void keep(F& f, E& e) {
  f("free", e.free_bytes), f("total", e.total_bytes), f("unified", e.unified), f("at", e.at);
}
template <class F, Is<Process> E>
void keep(F& f, E& e) {
  f("next_seq", e.next_seq), f("events_missing", e.events_missing), f("events_out_of_order", e.events_out_of_order);
  f("start", e.start), f("end", e.end), f("end_ref", e.end_ref), f("scopes", e.scopes), f("caches", e.caches);
  f("modules", e.modules), f("unkeyed", e.unkeyed), f("pending", e.pending), f("open_scopes", e.open_scopes);
  f("marks", e.marks), f("cache_events", e.cache_events), f("payloads_open", e.payloads_open);
  f("first_payload", e.first_payload), f("first_payload_scope", e.first_payload_scope), f("memory", e.memory);
  f("allocations", e.allocations), f("curve", e.curve), f("steps_at_last_miss", e.steps_at_last_miss);
  f("misses", e.misses), f("batches", e.batches), f("batch_events", e.batch_events);
  f("batch_events_not_frozen", e.batch_events_not_frozen), f("weights", e.weights), f("checkpoints", e.checkpoints);
  f("errors", e.errors), f("error_count", e.error_count);
}
template <class F, Is<Facts> E>
void keep(F& f, E& e) {
  f("events", e.events), f("keys", e.keys), f("left_out", e.left_out);
  f("unreadable", e.unreadable), f("first_unreadable", e.first_unreadable), f("processes", e.processes);
}

}  // namespace smgate::contract
