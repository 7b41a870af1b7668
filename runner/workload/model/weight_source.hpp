// Where a model's weights come from: a checkpoint's mapped bytes, a block of floats, a seed. Owned by the run; asked by
// trainers, which convert on the way to their device; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "runner/workload/model/weights.hpp"

namespace smgate::workload {

enum class Dtype { kF32, kF16, kBf16 };

inline std::size_t bytes_of(Dtype dtype) { return dtype == Dtype::kF32 ? 4 : 2; }

// A seeded tensor as a recipe, so that a device can make its numbers in place: element i of kNormal is deviation *
// (-6 + u[0] + ... + u[11], added in that order), u[j] = float(draw(12 i + j) >> 40) * 2^-24, where draw(n) is
// SplitMix64's output for the state `state` + (n + 1) * 0x9e3779b97f4a7c15. Equal to Random::normal bit by bit, for no
// operation in it may be fused to another result.
struct SeededTensor {
  enum class Kind { kNormal, kOne, kZero };
  Kind kind;
  std::uint64_t state;  // before the tensor's first draw
  float deviation;
};

SeededTensor::Kind seeded_kind(const TensorInfo& tensor);

class WeightSource {
 public:
  using Visit = std::function<void(const TensorInfo& tensor, Dtype dtype, std::span<const std::byte> values)>;

  virtual ~WeightSource() = default;

  virtual const std::vector<TensorInfo>& layout() const = 0;
  // Every tensor once, in the layout's order, row-major and little-endian; the bytes are there until `visit` returns.
  virtual void for_each_tensor(const Visit& visit) const = 0;
  // Values of tensor `index` of the layout from its `first` on, as floats. Any thread.
  virtual void read(std::size_t index, std::size_t first, std::span<float> values) const = 0;
  // One recipe a tensor of the layout where the weights are seeded, else nullptr.
  virtual const std::vector<SeededTensor>* recipes() const { return nullptr; }
};

// Weights that lie in host memory in the layout's order; both must outlive it.
class FloatWeights : public WeightSource {
 public:
  FloatWeights(const std::vector<TensorInfo>& layout, const std::vector<float>& values)
      : layout_(layout), values_(values) {}

  const std::vector<TensorInfo>& layout() const override { return layout_; }
  void for_each_tensor(const Visit& visit) const override;
  void read(std::size_t index, std::size_t first, std::span<float> values) const override;

 private:
  const std::vector<TensorInfo>& layout_;
  const std::vector<float>& values_;
};

// The values of seeded_weights (model/weights.hpp), made when they are asked for.
class SeededWeights : public WeightSource {
 public:
  SeededWeights(std::vector<TensorInfo> layout, std::uint64_t seed, float deviation);

  const std::vector<TensorInfo>& layout() const override { return layout_; }
  void for_each_tensor(const Visit& visit) const override;
  void read(std::size_t index, std::size_t first, std::span<float> values) const override;
  const std::vector<SeededTensor>* recipes() const override { return &recipes_; }

 private:
  std::vector<TensorInfo> layout_;
  std::vector<SeededTensor> recipes_;
};

// SHA-256 over names, shapes, dtypes and the stored values, or over the recipes of seeded ones: equal for equal models,
// whatever holds them. Values are digested in pieces on all processors, and the pieces' digests once more.
std::string weights_digest(const WeightSource& source);
// Is every value a number?
bool weights_finite(const WeightSource& source);

// The same for what is not a source: a tensor's line in the digest is its start, what each of its parts adds in their
// order, and a line's end. Every part but a tensor's last is of whole kDigestPieceBytes.
inline constexpr std::size_t kDigestPieceBytes = 1u << 20;
struct PartCheck {
  std::string digests;
  bool finite;
};
std::string digest_start(const TensorInfo& tensor, Dtype dtype);
// `also` gets each piece, and where in the part it starts, on the thread that digests it.
using SeePiece = std::function<void(std::size_t first, std::span<const std::byte> piece)>;
PartCheck check_part(Dtype dtype, std::span<const std::byte> values, const SeePiece& also = {});

// `count` values as floats; bf16 and fp16 convert without loss.
void to_floats(Dtype dtype, std::span<const std::byte> values, std::span<float> floats);

// The whole model, for a back end that computes in floats.
std::vector<float> floats_of(const WeightSource& source);

}  // namespace smgate::workload
