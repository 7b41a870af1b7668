// Weights made from a seed, anywhere in a tensor: SplitMix64 counts, so a place in its sequence is a multiplication
// away.
#include <algorithm>

#include "runner/workload/base/parallel.hpp"
#include "runner/workload/base/random.hpp"
#include "runner/workload/model/weight_source.hpp"

namespace smgate::workload {

namespace {

constexpr std::uint64_t kDrawsOfNormal = 12;
constexpr std::size_t kPieceFloats = 1 << 18;  // 10 ms of one processor

}  // namespace

SeededWeights::SeededWeights(std::vector<TensorInfo> layout, std::uint64_t seed, float deviation)
    : layout_(std::move(layout)) {
  std::uint64_t state = seed;
  for (const TensorInfo& tensor : layout_) {
    const SeededTensor::Kind kind = seeded_kind(tensor);
    recipes_.push_back({kind, state, deviation});
    if (kind == SeededTensor::Kind::kNormal) state += kDrawsOfNormal * tensor.count * Random::kStride;
  }
}

void SeededWeights::read(std::size_t index, std::size_t first, std::span<float> values) const {
  const SeededTensor& recipe = recipes_[index];
  if (recipe.kind != SeededTensor::Kind::kNormal) {
    std::fill(values.begin(), values.end(), recipe.kind == SeededTensor::Kind::kOne ? 1.0f : 0.0f);
    return;
  }
  Random random(recipe.state + kDrawsOfNormal * first * Random::kStride);
  for (float& value : values) value = recipe.deviation * random.normal();
}

void SeededWeights::for_each_tensor(const Visit& visit) const {
  std::vector<float> values;
  for (std::size_t index = 0; index < layout_.size(); ++index) {
    values.resize(layout_[index].count);
    const std::span<float> all(values);
    parallel_for((all.size() + kPieceFloats - 1) / kPieceFloats, [&](std::size_t piece) {
      const std::size_t first = piece * kPieceFloats;
      read(index, first, all.subspan(first, std::min(kPieceFloats, all.size() - first)));
    });
    visit(layout_[index], Dtype::kF32, std::as_bytes(all));
  }
}

}  // namespace smgate::workload
