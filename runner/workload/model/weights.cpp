#include "runner/workload/model/weights.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "runner/workload/base/random.hpp"
#include "runner/workload/base/sha256.hpp"

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

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

}  // namespace

std::vector<TensorInfo> tensor_layout(const ModelShape& shape) {
  Layout layout;
  layout.add("model.embed_tokens.weight", {shape.vocab, shape.hidden});
  for (std::uint32_t block = 0; block < shape.layers; ++block) add_block(layout, shape, block);
  layout.add("model.norm.weight", {shape.hidden});
  return layout.take();
}

std::size_t float_count(const std::vector<TensorInfo>& layout) { return layout.back().offset + layout.back().count; }

ModelTensors bind_tensors(const std::vector<TensorInfo>& layout, float* base) {
  ModelTensors tensors{};
  std::size_t next = 0;
  const auto take = [&] { return base + layout[next++].offset; };
  tensors.embedding = take();
  while (next + 1 < layout.size()) {
    BlockTensors block{};
    for (float* BlockTensors::*member :
         {&BlockTensors::norm1, &BlockTensors::q, &BlockTensors::q_bias, &BlockTensors::k, &BlockTensors::k_bias,
          &BlockTensors::v, &BlockTensors::v_bias, &BlockTensors::o, &BlockTensors::norm2, &BlockTensors::gate,
          &BlockTensors::up, &BlockTensors::down}) {
      block.*member = take();
    }
    tensors.blocks.push_back(block);
  }
  tensors.final_norm = take();
  return tensors;
}

std::vector<float> seeded_weights(const std::vector<TensorInfo>& layout, std::uint64_t seed, float deviation) {
  Random random(seed);
  std::vector<float> values(float_count(layout));
  for (const TensorInfo& tensor : layout) {
    const auto start = values.begin() + static_cast<std::ptrdiff_t>(tensor.offset);
    const auto end = start + static_cast<std::ptrdiff_t>(tensor.count);
    if (tensor.shape.size() == 1) {
      std::fill(start, end, ends_with(tensor.name, ".bias") ? 0.0f : 1.0f);
    } else {
      std::generate(start, end, [&] { return deviation * random.normal(); });
    }
  }
  return values;
}

std::string tensors_digest(const std::vector<TensorInfo>& layout, const std::vector<float>& values) {
  static_assert(std::endian::native == std::endian::little, "values are digested as SafeTensors holds them");
  Sha256 hash;
  for (const TensorInfo& tensor : layout) {
    hash.update(tensor.name);
    for (const std::size_t side : tensor.shape) hash.update(" " + std::to_string(side));
    hash.update("\n");
    hash.update(values.data() + tensor.offset, tensor.count * sizeof(float));
  }
  return hash.hex();
}

bool all_finite(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
}

}  // namespace smgate::workload
