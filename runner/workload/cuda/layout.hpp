// Where a model's tensors lie on a GPU: matrices first, then vectors, so that one comparison tells which weights decay
// and have a copy in the storage type; a block's queries, keys and values side by side, and its gate and up, so that
// one product makes each group. Names and order of checkpoints stay those of weights.hpp. Plain values; any thread.
#pragma once

#include <cstddef>
#include <vector>

#include "runner/workload/model/weights.hpp"

namespace smgate::workload::cuda {

// Places in elements from the start of the model's block.
struct BlockPlaces {
  std::size_t qkv, o, gate_up, down, norm1, norm2, qkv_bias;
};

struct Layout {
  std::vector<TensorInfo> tensors;  // in checkpoint order, as tensor_layout gives them
  std::vector<std::size_t> places;  // of those tensors, one each
  std::vector<BlockPlaces> blocks;
  std::size_t embedding = 0;
  std::size_t final_norm = 0;
  std::size_t matrices = 0;  // elements before the first vector
  std::size_t total = 0;     // elements, with what lies between groups
};

Layout device_layout(const ModelShape& shape);

}  // namespace smgate::workload::cuda
