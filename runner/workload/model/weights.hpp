// The tensors of a model: names, shapes and places in one contiguous block, in checkpoint order. Names are those of
// Qwen2 checkpoints, so that other programs can load what is written here. Plain values; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "smgate/workload.hpp"

namespace smgate::workload {

struct TensorInfo {
  std::string name;
  std::vector<std::size_t> shape;
  std::size_t offset;  // in floats
  std::size_t count;   // floats
};

// With a rank, adapters (Hu et al., 2021) of every block's queries and values follow the model's own tensors.
std::vector<TensorInfo> tensor_layout(const ModelShape& shape, std::uint32_t lora_rank = 0);
// How many tensors come before the first that is trained: none, or with adapters all others.
std::size_t frozen_tensors(const ModelShape& shape, std::uint32_t lora_rank);
std::size_t float_count(const std::vector<TensorInfo>& layout);

// The same tensors as pointers into a block, for weights and for gradients alike. nullptr: there is no such tensor, or,
// of gradients, it is not trained.
struct BlockTensors {
  float* norm1;
  float* q;
  float* q_bias;
  float* k;
  float* k_bias;
  float* v;
  float* v_bias;
  float* o;
  float* norm2;
  float* gate;
  float* up;
  float* down;
  float* q_lora_a;  // y = x W^T + (x A^T) B^T
  float* q_lora_b;
  float* v_lora_a;
  float* v_lora_b;
};

struct ModelTensors {
  float* embedding;  // also the head: tied
  std::vector<BlockTensors> blocks;
  float* final_norm;
};

// `base` holds the tensors from the `first` on.
ModelTensors bind_tensors(const std::vector<TensorInfo>& layout, std::uint32_t layers, float* base,
                          std::size_t first = 0);

inline constexpr float kStudentDeviation = 0.02f;  // Qwen2's initializer_range
// A random teacher at 0.02 has no opinion on any token; at this its logits spread like a trained one's.
inline constexpr float kTeacherDeviation = 0.2f;

// Normal weights of `deviation`, norms 1, biases 0 (as Qwen2 starts), the second half of an adapter 0 (it starts
// without effect): the same numbers on every machine.
std::vector<float> seeded_weights(const std::vector<TensorInfo>& layout, std::uint64_t seed, float deviation);

}  // namespace smgate::workload
