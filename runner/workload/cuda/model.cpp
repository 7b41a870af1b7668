#include "runner/workload/cuda/model.hpp"

#include <algorithm>

namespace smgate::workload::cuda {

CudaModel::CudaModel(const ModelShape& shape, std::uint32_t batch, std::uint32_t seq, bool trained,
                     std::size_t element_bytes)
    : shape_(shape),
      attention_{shape.heads, shape.kv_heads, shape.head_dim, seq},
      batch_(batch),
      trained_(trained),
      element_bytes_(element_bytes),
      layout_(device_layout(shape)),
      blocks_(shape.layers) {}

std::size_t CudaModel::activation_bytes() const { return CudaModel(*this).place_activations(0); }
std::size_t CudaModel::scratch_bytes() const { return CudaModel(*this).place_scratch(0); }

void CudaModel::bind(Address matrices, Address vectors, Address activations, std::vector<Address> workspaces) {
  matrices_ = matrices;
  vectors_ = vectors;
  lse_ = std::move(workspaces);
  place_activations(activations);
}

void CudaModel::bind_gradients(const Driver& driver, Address gradients, Address scratch) {
  gradients_ = gradients;
  place_scratch(scratch);
  for (std::uint32_t i = 0; i <= shape_.layers; ++i) events_.push_back(std::make_shared<BlockEvents>(driver));
}

std::size_t CudaModel::place_activations(Address base) {
  Carver carver(base);
  const std::size_t r = rows();
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    BlockActivations& block = blocks_[i];
    // Without a backward pass all blocks share the first one's places, and one residual stream is added to in place.
    if (i > 0 && !trained_) {
      block = blocks_[0];
      continue;
    }
    block.stream = carver.take(r * shape_.hidden * sizeof(float));
    block.middle = trained_ ? carver.take(r * shape_.hidden * sizeof(float)) : block.stream;
    block.inverse1 = carver.take(r * sizeof(float));
    block.inverse2 = carver.take(r * sizeof(float));
    block.norm1 = carver.take(r * shape_.hidden * element_bytes_);
    block.norm2 = carver.take(r * shape_.hidden * element_bytes_);
    block.qkv = carver.take(r * qkv_width() * element_bytes_);
    block.context = carver.take(r * shape_.query_width() * element_bytes_);
    block.gate_up = carver.take(r * 2 * shape_.intermediate * element_bytes_);
  }
  last_stream_ = trained_ ? carver.take(r * shape_.hidden * sizeof(float)) : blocks_[0].stream;
  branch_ = carver.take(r * shape_.hidden * element_bytes_);
  mlp_ = carver.take(r * shape_.intermediate * element_bytes_);
  final_norm_ = carver.take(r * shape_.hidden * element_bytes_);
  final_inverse_ = carver.take(r * sizeof(float));
  return carver.used();
}

std::size_t CudaModel::place_scratch(Address base) {
  Carver carver(base);
  const std::size_t r = rows();
  BackwardScratch& s = scratch_;
  s.dnorm = carver.take(r * shape_.hidden * element_bytes_);
  s.dstream = carver.take(r * shape_.hidden * sizeof(float));
  for (Address* part : {&s.dcontext, &s.dq, &s.dk, &s.dv}) {
    *part = carver.take(r * shape_.query_width() * element_bytes_);
  }
  s.delta = carver.take(lse_bytes());
  const std::size_t partials = kernels::kPartialBlocksMax * sizeof(float);
  for (BackwardScratch::Sided& side : s.sided) {
    side.dmlp = carver.take(r * shape_.intermediate * element_bytes_);
    side.dqkv = carver.take(r * qkv_width() * element_bytes_);
    side.middle = carver.take(r * shape_.hidden * element_bytes_);
    side.out = carver.take(r * shape_.hidden * element_bytes_);
    side.partial1 = carver.take(partials * shape_.hidden);
    side.partial2 = carver.take(partials * shape_.hidden);
    side.partial_bias = carver.take(kernels::kRopeBlocksMax * sizeof(float) * qkv_width());
  }
  return carver.used();
}

void CudaModel::forward(const CudaOps& ops, Address tokens) const {
  ops.embedding(blocks_[0].stream, tokens, embedding(), rows(), shape_.hidden);
  for (std::uint32_t block = 0; block < shape_.layers; ++block) {
    forward_attention(ops, block);
    forward_mlp(ops, block);
  }
  const Address before = blocks_.back().middle;
  ops.rmsnorm({final_norm_, final_inverse_, last_stream_, before, branch_, vector(layout_.final_norm)}, rows(),
              shape_.hidden, shape_.rms_norm_eps);
}

// branch = o(attention(norm(stream))); the stream takes the branch in at the next norm.
void CudaModel::forward_attention(const CudaOps& ops, std::uint32_t block) const {
  const BlockPlaces& w = layout_.blocks[block];
  const BlockActivations& a = blocks_[block];
  const bool first = block == 0;
  const Address before = first ? a.stream : blocks_[block - 1].middle;
  ops.rmsnorm({a.norm1, a.inverse1, a.stream, before, first ? 0 : branch_, vector(w.norm1)}, rows(), shape_.hidden,
              shape_.rms_norm_eps);
  ops.gemm(Product::kOutput, linear(shape_.hidden, qkv_width()), {a.qkv, a.norm1, matrix(w.qkv)});
  ops.rope(a.qkv, vector(w.qkv_bias), attention_, shape_.rope_theta, rows());
  ops.attention(a.context, lse_[trained_ ? block : 0], a.qkv, attention_, batch_);
  ops.gemm(Product::kOutput, linear(shape_.query_width(), shape_.hidden), {branch_, a.context, matrix(w.o)});
}

void CudaModel::forward_mlp(const CudaOps& ops, std::uint32_t block) const {
  const BlockPlaces& w = layout_.blocks[block];
  const BlockActivations& a = blocks_[block];
  ops.rmsnorm({a.norm2, a.inverse2, a.middle, a.stream, branch_, vector(w.norm2)}, rows(), shape_.hidden,
              shape_.rms_norm_eps);
  ops.gated_linear({mlp_, a.gate_up, a.norm2, matrix(w.gate_up), trained_}, rows(), shape_.hidden, shape_.intermediate);
  ops.gemm(Product::kOutput, linear(shape_.intermediate, shape_.hidden), {branch_, mlp_, matrix(w.down)});
}

// The gradients of weights are made at the side, for nothing on the way to the next block waits for them. What a
// block's side reads is written again two blocks later, but for `out`, which the next block writes last: that waits for
// `done`.
void CudaModel::backward(const CudaOps& ops, Address tokens) const {
  const BackwardScratch& s = scratch_;
  const CudaOps side = ops.beside();
  const BackwardScratch::Sided& last = sided(shape_.layers);
  BlockEvents& events = *events_[shape_.layers];
  ops.rmsnorm_backward(
      {s.dstream, last.out, last.partial1, s.dnorm, last_stream_, vector(layout_.final_norm), final_inverse_, false},
      rows(), shape_.hidden);
  ops.hand_over(events.out, side);
  side.gamma_reduce(gradient(layout_.final_norm), last.partial1, rows(), shape_.hidden);
  side.record(events.done);
  for (std::uint32_t block = shape_.layers; block-- > 0;) {
    backward_mlp(ops, block);
    backward_attention(ops, block);
  }
  ops.wait_for(events_[0]->done);
  ops.embedding_backward(embedding_gradient(), tokens, s.dstream, rows(), shape_.hidden);
}

// The block's gate_up becomes its own gradient: nothing needs it afterwards.
void CudaModel::backward_mlp(const CudaOps& ops, std::uint32_t block) const {
  const BlockPlaces& w = layout_.blocks[block];
  const BlockActivations& a = blocks_[block];
  const BackwardScratch::Sided& own = sided(block);
  const Address dstream = sided(block + 1).out;
  const GemmShape down = linear(shape_.intermediate, shape_.hidden);
  const GemmShape up = linear(shape_.hidden, 2 * shape_.intermediate);
  const CudaOps side = ops.beside();
  ops.gemm(Product::kInputGradient, down, {own.dmlp, dstream, matrix(w.down)});
  ops.swiglu_backward(a.gate_up, own.dmlp, rows(), shape_.intermediate);
  ops.hand_over(events_[block]->mlp, side);
  side.gemm(Product::kWeightGradient, down, {gradient(w.down), dstream, own.dmlp});
  side.gemm(Product::kWeightGradient, up, {gradient(w.gate_up), a.gate_up, a.norm2});
  ops.gemm(Product::kInputGradient, up, {scratch_.dnorm, a.gate_up, matrix(w.gate_up)});
  ops.rmsnorm_backward(
      {scratch_.dstream, own.middle, own.partial2, scratch_.dnorm, a.middle, vector(w.norm2), a.inverse2, true}, rows(),
      shape_.hidden);
  ops.hand_over(events_[block]->middle, side);
  side.gamma_reduce(gradient(w.norm2), own.partial2, rows(), shape_.hidden);
}

void CudaModel::backward_attention(const CudaOps& ops, std::uint32_t block) const {
  const BlockPlaces& w = layout_.blocks[block];
  const BlockActivations& a = blocks_[block];
  const BackwardScratch& s = scratch_;
  const BackwardScratch::Sided& own = sided(block);
  const GemmShape out = linear(shape_.query_width(), shape_.hidden);
  const GemmShape qkv = linear(shape_.hidden, qkv_width());
  const CudaOps side = ops.beside();
  side.gemm(Product::kWeightGradient, out, {gradient(w.o), own.middle, a.context});
  ops.gemm(Product::kInputGradient, out, {s.dcontext, own.middle, matrix(w.o)});
  ops.attention_backward({s.dq, s.dk, s.dv, s.delta, s.dcontext, a.context, lse_[block], a.qkv}, attention_, batch_);
  ops.rope_backward({own.dqkv, own.partial_bias, s.dq, s.dk, s.dv}, attention_, shape_.rope_theta, rows());
  ops.hand_over(events_[block]->qkv, side);
  side.bias_reduce(gradient(w.qkv_bias), own.partial_bias, rows(), attention_.seq, qkv_width());
  side.gemm(Product::kWeightGradient, qkv, {gradient(w.qkv), own.dqkv, a.norm1});
  ops.gemm(Product::kInputGradient, qkv, {s.dnorm, own.dqkv, matrix(w.qkv)});
  ops.wait_for(events_[block + 1]->done);
  ops.rmsnorm_backward({s.dstream, own.out, own.partial1, s.dnorm, a.stream, vector(w.norm1), a.inverse1, true}, rows(),
                       shape_.hidden);
  ops.hand_over(events_[block]->out, side);
  side.gamma_reduce(gradient(w.norm1), own.partial1, rows(), shape_.hidden);
  side.record(events_[block]->done);
}

}  // namespace smgate::workload::cuda
