#include "runner/workload/cuda/layout.hpp"

namespace smgate::workload::cuda {

namespace {

constexpr std::size_t kAlignElements = 128;  // 256 bytes of bf16: what cuBLASLt's heuristics assume of every operand
constexpr std::size_t kBlockTensors = 12;    // of a block, in tensor_layout's order

// Tensors of a block by their place in that order.
enum : std::size_t { kNorm1, kQ, kQBias, kK, kKBias, kV, kVBias, kO, kNorm2, kGate, kUp, kDown };

class Placer {
 public:
  explicit Placer(Layout& layout) : layout_(layout) { layout_.places.resize(layout_.tensors.size()); }

  // Tensors side by side from an aligned place on; returns that place.
  std::size_t place(std::initializer_list<std::size_t> indices) {
    const std::size_t start = next_;
    for (const std::size_t index : indices) {
      layout_.places[index] = next_;
      next_ += layout_.tensors[index].count;
    }
    next_ = (next_ + kAlignElements - 1) / kAlignElements * kAlignElements;
    return start;
  }
  std::size_t used() const { return next_; }

 private:
  Layout& layout_;
  std::size_t next_ = 0;
};

}  // namespace

Layout device_layout(const ModelShape& shape) {
  Layout layout;
  layout.tensors = tensor_layout(shape);
  layout.blocks.resize(shape.layers);
  Placer placer(layout);
  layout.embedding = placer.place({0});
  for (std::size_t i = 0; i < shape.layers; ++i) {
    const std::size_t first = 1 + i * kBlockTensors;
    BlockPlaces& block = layout.blocks[i];
    block.qkv = placer.place({first + kQ, first + kK, first + kV});
    block.o = placer.place({first + kO});
    block.gate_up = placer.place({first + kGate, first + kUp});
    block.down = placer.place({first + kDown});
  }
  layout.matrices = placer.used();
  for (std::size_t i = 0; i < shape.layers; ++i) {
    const std::size_t first = 1 + i * kBlockTensors;
    layout.blocks[i].norm1 = placer.place({first + kNorm1});
    layout.blocks[i].norm2 = placer.place({first + kNorm2});
    layout.blocks[i].qkv_bias = placer.place({first + kQBias, first + kKBias, first + kVBias});
  }
  layout.final_norm = placer.place({layout.tensors.size() - 1});
  layout.total = placer.used();
  return layout;
}

}  // namespace smgate::workload::cuda
