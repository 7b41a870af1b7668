#include <algorithm>
#include <cmath>

#include "common/contract/batch_summary.hpp"
#include "common/contract/fold_parts.hpp"
#include "common/contract/text.hpp"
#include "common/digest.hpp"

namespace smgate::contract {
namespace {

void note_odd(OddSteps& odd, const Fold& fold, const Step& step, std::string what) {
  ++odd.count;
  keep_sample(odd.first, {step.step, std::move(what), fold.ref(step.at)});
}

void note_real_loss(Curve& curve, const Fold& fold, const Step& step, double loss) {
  if (loss == 0) note_odd(curve.loss_zero, fold, step, "");
  const std::size_t count = curve.points.size();
  const bool stuck = count >= 2 && curve.points[count - 1].loss == loss && curve.points[count - 2].loss == loss;
  if (stuck) note_odd(curve.loss_stuck, fold, step, shortest(loss));
}

void note_values(Curve& curve, const Fold& fold, const Step& step) {
  if (!step.loss)
    note_odd(curve.without_loss, fold, step, "");
  else if (!std::isfinite(*step.loss))
    note_odd(curve.loss_not_finite, fold, step, shortest(*step.loss));
  else
    note_real_loss(curve, fold, step, *step.loss);
  if (!step.grad_norm) return;
  ++curve.grad_norms;
  if (!std::isfinite(*step.grad_norm)) note_odd(curve.grad_norm_not_finite, fold, step, shortest(*step.grad_norm));
  if (*step.grad_norm > 0) ++curve.grad_norms_above_zero;
}

// For a workload that reports its tokens and no digest of them.
std::string digest_of(const Batch& batch) {
  std::string text;
  for (const std::string& input : batch.inputs) text += input + '\n';
  for (const std::int64_t label : batch.labels) text += std::to_string(label) + '\n';
  return sha256_hex(text);
}

}  // namespace

void fold_part(Fold& fold, const Step& step) {
  Curve& curve = fold.process.curve;
  if (!curve.first) curve.first = fold.ref(step.at);
  curve.last = fold.ref(step.at);
  if (step.step < curve.next_step) return note_odd(curve.repeated, fold, step, "");
  if (step.step > curve.next_step) note_odd(curve.skipped, fold, step, std::to_string(step.step - curve.next_step));
  curve.next_step = step.step + 1;
  note_values(curve, fold, step);
  if (step.ce && std::isfinite(*step.ce)) {
    if (!curve.first_ce) curve.first_ce = step.ce;
    curve.last_ce = step.ce;
  }
  curve.tokens += step.tokens.value_or(0);
  if (step.ms && std::isfinite(*step.ms)) curve.ms += *step.ms;
  if (curve.points.size() >= kStepsKeptMax) {
    ++curve.left_out;
    return;
  }
  // A sixteenth at a time: doubling would hold 32 bytes a step.
  constexpr std::size_t kGrowthMin = 256;
  if (curve.points.size() == curve.points.capacity())
    curve.points.reserve(curve.points.size() + std::max(kGrowthMin, curve.points.size() / 16));
  constexpr float kNone = std::numeric_limits<float>::quiet_NaN();
  const auto narrow = [](const std::optional<double>& value) { return value ? static_cast<float>(*value) : kNone; };
  curve.points.push_back(
      {step.loss.value_or(std::numeric_limits<double>::quiet_NaN()), narrow(step.grad_norm), narrow(step.ms)});
}

void fold_part(Fold& fold, const Batch& batch) {
  Process& process = fold.process;
  ++process.batch_events;
  if (!batch.frozen) ++process.batch_events_not_frozen;
  BatchFacts facts{batch.frozen, batch.digest, batch.summary, fold.ref(batch.at)};
  if (!facts.summary && !batch.inputs.empty()) facts.summary = summarise(batch.inputs, batch.labels);
  if (facts.digest.empty() && !batch.inputs.empty()) facts.digest = digest_of(batch);
  const auto same = [&](const BatchFacts& b) { return b.digest == facts.digest && b.summary == facts.summary; };
  if (std::none_of(process.batches.begin(), process.batches.end(), same))
    keep_sample(process.batches, std::move(facts));
}

void fold_part(Fold& fold, const Weights& weights) {
  keep_sample(fold.process.weights, WeightsFacts{weights, fold.ref(weights.at)});
}

void fold_part(Fold& fold, const Checkpoint& checkpoint) {
  keep_sample(fold.process.checkpoints, CheckpointFacts{checkpoint, fold.ref(checkpoint.at)});
}

void fold_part(Fold& fold, const Alloc& alloc) {
  auto& kept = fold.process.allocations;
  const Allocation seen{alloc.name, alloc.bytes, alloc.ok == false, fold.process.payloads_open > 0, fold.ref(alloc.at)};
  const auto same = std::find_if(kept.begin(), kept.end(), [&](const Allocation& a) {
    return a.name == seen.name && a.refused == seen.refused && a.in_payload == seen.in_payload;
  });
  if (same != kept.end()) {
    if (seen.bytes > same->bytes) *same = seen;
    return;
  }
  if (kept.size() >= kAllocationsMax) {
    const auto smallest = std::min_element(kept.begin(), kept.end(),
                                           [](const Allocation& a, const Allocation& b) { return a.bytes < b.bytes; });
    if (smallest->bytes >= seen.bytes) return;
    kept.erase(smallest);
  }
  kept.push_back(seen);
}

void fold_part(Fold& fold, const Memory& memory) {
  fold.process.memory = memory;
  for (auto& [name, scope] : fold.process.scopes)
    if (scope.ends > 0 && !scope.open && !scope.payload && !scope.free_bytes_after)
      scope.free_bytes_after = memory.free_bytes;
}

void fold_part(Fold& fold, const PayloadBegin& payload) {
  Process& process = fold.process;
  ++process.payloads_open;
  const EventRef ref = fold.ref(payload.at);
  if (!process.first_payload) {
    process.first_payload = ref;
    process.first_payload_scope = payload.scope;
  }
  Scope* scope = scope_named(fold, payload.scope);
  if (scope == nullptr) return;
  if (!scope->payload) scope->payload = ref;
  scope->payload_bytes += payload.bytes.value_or(0);
}

void fold_part(Fold& fold, const PayloadEnd& payload) {
  if (fold.process.payloads_open > 0) --fold.process.payloads_open;
  Scope* scope = scope_named(fold, payload.scope);
  if (scope != nullptr && scope->payload_bytes == 0) scope->payload_bytes = payload.bytes.value_or(0);
  if (scope != nullptr && !scope->payload) {  // a log that marks the end alone
    scope->payload = fold.ref(payload.at);
    if (!fold.process.first_payload) {
      fold.process.first_payload = scope->payload;
      fold.process.first_payload_scope = payload.scope;
    }
  }
}

}  // namespace smgate::contract
