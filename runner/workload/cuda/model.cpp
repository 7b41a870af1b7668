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

void CudaModel::bind_gradients(Address gradients, Address scratch) {
  gradients_ = gradients;
  place_scratch(scratch);
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
  // In fp32 the stream's gradient is what products read as it is.
  s.dstream_copy = element_bytes_ == sizeof(float) ? s.dstream : carver.take(r * shape_.hidden * element_bytes_);
  s.partial = carver.take(std::size_t{kernels::kPartialBlocksMax} * std::max(shape_.hidden, qkv_width()) *
                          sizeof(float));
  s.dmlp = carver.take(r * shape_.intermediate * element_bytes_);
  for (Address* part : {&s.dcontext, &s.dq, &s.dk, &s.dv}) {
    *part = carver.take(r * shape_.query_width() * element_bytes_);
  }
  s.dqkv = carver.take(r * qkv_width() * element_bytes_);
  s.delta = carver.take(lse_bytes());
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
  ops.gemm(Product::kOutput, linear(shape_.hidden, 2 * shape_.intermediate), {a.gate_up, a.norm2, matrix(w.gate_up)});
  ops.swiglu(mlp_, a.gate_up, rows(), shape_.intermediate);
  ops.gemm(Product::kOutput, linear(shape_.intermediate, shape_.hidden), {branch_, mlp_, matrix(w.down)});
}

void CudaModel::backward(const CudaOps& ops, Address tokens) const {
  const BackwardScratch& s = scratch_;
  ops.rmsnorm_backward({s.dstream, s.dstream_copy, gradient(layout_.final_norm), s.partial, s.dnorm, last_stream_,
                        vector(layout_.final_norm), final_inverse_, false},
                       rows(), shape_.hidden);
  for (std::uint32_t block = shape_.layers; block-- > 0;) {
    backward_mlp(ops, block);
    backward_attention(ops, block);
  }
  ops.embedding_backward(embedding_gradient(), tokens, s.dstream, rows(), shape_.hidden);
}

// The block's gate_up becomes its own gradient: nothing needs it afterwards.
void CudaModel::backward_mlp(const CudaOps& ops, std::uint32_t block) const {
  const BlockPlaces& w = layout_.blocks[block];
  const BlockActivations& a = blocks_[block];
  const BackwardScratch& s = scratch_;
  const GemmShape down = linear(shape_.intermediate, shape_.hidden);
  const GemmShape up = linear(shape_.hidden, 2 * shape_.intermediate);
  ops.gemm(Product::kInputGradient, down, {s.dmlp, s.dstream_copy, matrix(w.down)});
  ops.swiglu_backward(a.gate_up, s.dmlp, rows(), shape_.intermediate);
  ops.gemm(Product::kWeightGradient, down, {gradient(w.down), s.dstream_copy, s.dmlp});
  ops.gemm(Product::kWeightGradient, up, {gradient(w.gate_up), a.gate_up, a.norm2});
  ops.gemm(Product::kInputGradient, up, {s.dnorm, a.gate_up, matrix(w.gate_up)});
  ops.rmsnorm_backward({s.dstream, s.dstream_copy, gradient(w.norm2), s.partial, s.dnorm, a.middle, vector(w.norm2),
                        a.inverse2, true},
                       rows(), shape_.hidden);
}

void CudaModel::backward_attention(const CudaOps& ops, std::uint32_t block) const {
  const BlockPlaces& w = layout_.blocks[block];
  const BlockActivations& a = blocks_[block];
  const BackwardScratch& s = scratch_;
  const GemmShape out = linear(shape_.query_width(), shape_.hidden);
  const GemmShape qkv = linear(shape_.hidden, qkv_width());
  ops.gemm(Product::kInputGradient, out, {s.dcontext, s.dstream_copy, matrix(w.o)});
  ops.gemm(Product::kWeightGradient, out, {gradient(w.o), s.dstream_copy, a.context});
  ops.attention_backward({s.dq, s.dk, s.dv, s.delta, s.dcontext, a.context, lse_[block], a.qkv}, attention_, batch_);
  ops.rope_backward({s.dqkv, gradient(w.qkv_bias), s.partial, s.dq, s.dk, s.dv}, attention_, shape_.rope_theta,
                    rows());
  ops.gemm(Product::kWeightGradient, qkv, {gradient(w.qkv), s.dqkv, a.norm1});
  ops.gemm(Product::kInputGradient, qkv, {s.dnorm, s.dqkv, matrix(w.qkv)});
  ops.rmsnorm_backward({s.dstream, s.dstream_copy, gradient(w.norm1), s.partial, s.dnorm, a.stream, vector(w.norm1),
                        a.inverse1, true},
                       rows(), shape_.hidden);
}

}  // namespace smgate::workload::cuda
