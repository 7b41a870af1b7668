#include "runner/workload/model/weights.hpp"

#include <algorithm>

#include "runner/workload/model/weight_source.hpp"

namespace smgate::workload {

namespace {

class Layout {
 public:
  void add(const std::string& name, std::vector<std::size_t> shape) {
    std::size_t count = 1;
    for (const std::size_t side : shape) count *= side;
    const std::size_t offset = tensors_.empty() ? 0 : tensors_.back().offset + tensors_.back().count;
    tensors_.push_back(TensorInfo{name, std::move(shape), offset, count});
  }
  std::vector<TensorInfo> take() { return std::move(tensors_); }

 private:
  std::vector<TensorInfo> tensors_;
};

void add_block(Layout& layout, const ModelShape& shape, std::uint32_t block) {
  const std::string name = "model.layers." + std::to_string(block) + ".";
  const std::size_t hidden = shape.hidden;
  const std::size_t query = shape.query_width();
  const std::size_t kv = shape.kv_width();
  layout.add(name + "input_layernorm.weight", {hidden});
  layout.add(name + "self_attn.q_proj.weight", {query, hidden});
  layout.add(name + "self_attn.q_proj.bias", {query});
  layout.add(name + "self_attn.k_proj.weight", {kv, hidden});
  layout.add(name + "self_attn.k_proj.bias", {kv});
  layout.add(name + "self_attn.v_proj.weight", {kv, hidden});
  layout.add(name + "self_attn.v_proj.bias", {kv});
  layout.add(name + "self_attn.o_proj.weight", {hidden, query});
  layout.add(name + "post_attention_layernorm.weight", {hidden});
  layout.add(name + "mlp.gate_proj.weight", {shape.intermediate, hidden});
  layout.add(name + "mlp.up_proj.weight", {shape.intermediate, hidden});
  layout.add(name + "mlp.down_proj.weight", {hidden, shape.intermediate});
}

void add_adapters(Layout& layout, const ModelShape& shape, std::uint32_t block, std::size_t rank) {
  const std::string name = "model.layers." + std::to_string(block) + ".self_attn.";
  layout.add(name + "q_proj.lora_A.weight", {rank, shape.hidden});
  layout.add(name + "q_proj.lora_B.weight", {shape.query_width(), rank});
  layout.add(name + "v_proj.lora_A.weight", {rank, shape.hidden});
  layout.add(name + "v_proj.lora_B.weight", {shape.kv_width(), rank});
}

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

}  // namespace

std::vector<TensorInfo> tensor_layout(const ModelShape& shape, std::uint32_t lora_rank) {
  Layout layout;
  layout.add("model.embed_tokens.weight", {shape.vocab, shape.hidden});
  for (std::uint32_t block = 0; block < shape.layers; ++block) add_block(layout, shape, block);
  layout.add("model.norm.weight", {shape.hidden});
  for (std::uint32_t block = 0; lora_rank > 0 && block < shape.layers; ++block) {
    add_adapters(layout, shape, block, lora_rank);
  }
  return layout.take();
}

std::size_t frozen_tensors(const ModelShape& shape, std::uint32_t lora_rank) {
  return lora_rank == 0 ? 0 : tensor_layout(shape).size();
}

std::size_t float_count(const std::vector<TensorInfo>& layout) { return layout.back().offset + layout.back().count; }

ModelTensors bind_tensors(const std::vector<TensorInfo>& layout, std::uint32_t layers, float* base, std::size_t first) {
  using Member = float* BlockTensors::*;
  ModelTensors tensors{};
  tensors.blocks.resize(layers);
  std::size_t next = 0;
  const auto take = [&]() -> float* {
    const std::size_t index = next++;
    return index < first || index >= layout.size() ? nullptr : base + (layout[index].offset - layout[first].offset);
  };
  const auto take_in_every_block = [&](std::initializer_list<Member> members) {
    for (BlockTensors& block : tensors.blocks) {
      for (const Member member : members) block.*member = take();
    }
  };
  tensors.embedding = take();
  take_in_every_block({&BlockTensors::norm1, &BlockTensors::q, &BlockTensors::q_bias, &BlockTensors::k,
                       &BlockTensors::k_bias, &BlockTensors::v, &BlockTensors::v_bias, &BlockTensors::o,
                       &BlockTensors::norm2, &BlockTensors::gate, &BlockTensors::up, &BlockTensors::down});
  tensors.final_norm = take();
  take_in_every_block(
      {&BlockTensors::q_lora_a, &BlockTensors::q_lora_b, &BlockTensors::v_lora_a, &BlockTensors::v_lora_b});
  return tensors;
}

SeededTensor::Kind seeded_kind(const TensorInfo& tensor) {
  if (ends_with(tensor.name, ".lora_B.weight")) return SeededTensor::Kind::kZero;
  if (tensor.shape.size() > 1) return SeededTensor::Kind::kNormal;
  return ends_with(tensor.name, ".bias") ? SeededTensor::Kind::kZero : SeededTensor::Kind::kOne;
}

std::vector<float> seeded_weights(const std::vector<TensorInfo>& layout, std::uint64_t seed, float deviation) {
  return floats_of(SeededWeights(layout, seed, deviation));
}

}  // namespace smgate::workload
