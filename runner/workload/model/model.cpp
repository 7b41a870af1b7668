#include "runner/workload/model/model.hpp"

namespace smgate::workload {

namespace {

// Hands out parts of a block; without a base it only counts.
class Carver {
 public:
  explicit Carver(float* base) : base_(base) {}
  float* take(std::size_t count) {
    float* part = base_ == nullptr ? nullptr : base_ + used_;
    used_ += count;
    return part;
  }
  std::size_t used() const { return used_; }

 private:
  float* base_;
  std::size_t used_ = 0;
};

}  // namespace

Model::Model(const ModelShape& shape, std::uint32_t batch, std::uint32_t seq, bool trained, std::uint32_t lora_rank)
    : shape_(shape),
      attention_{shape.heads, shape.kv_heads, shape.head_dim, seq},
      batch_(batch),
      trained_(trained),
      lora_rank_(lora_rank),
      layout_(tensor_layout(shape, lora_rank)),
      first_trained_(frozen_tensors(shape, lora_rank)),
      stream_(shape.layers + 1),
      blocks_(trained ? shape.layers : 1) {}

std::size_t Model::activation_floats() const { return Model(*this).place_activations(nullptr); }
std::size_t Model::scratch_floats() const { return Model(*this).place_scratch(nullptr); }

void Model::bind(float* weights, float* activations) {
  weights_ = bind_tensors(layout_, shape_.layers, weights);
  place_activations(activations);
}

void Model::bind_gradients(float* gradients, float* scratch) {
  gradient_base_ = gradients;
  gradients_ = bind_tensors(layout_, shape_.layers, gradients, first_trained_);
  place_scratch(scratch);
}

std::size_t Model::place_activations(float* base) {
  Carver carver(base);
  const std::size_t r = rows();
  const std::size_t hidden = r * shape_.hidden;
  const std::size_t scores = r * shape_.heads * attention_.seq;
  for (float*& part : stream_) part = carver.take(hidden);
  for (BlockActivations& block : blocks_) {
    block.norm1 = carver.take(hidden);
    block.inverse1 = carver.take(r);
    block.q = carver.take(r * shape_.query_width());
    block.k = carver.take(r * shape_.kv_width());
    block.v = carver.take(r * shape_.kv_width());
    block.probabilities = carver.take(scores);
    block.context = carver.take(r * shape_.query_width());
    block.middle = carver.take(hidden);
    block.norm2 = carver.take(hidden);
    block.inverse2 = carver.take(r);
    for (float** part : {&block.gate, &block.up, &block.silu, &block.mlp}) *part = carver.take(r * shape_.intermediate);
    for (float** part : {&block.q_low, &block.v_low}) *part = carver.take(r * lora_rank_);
  }
  scores_ = carver.take(scores);
  branch_ = carver.take(hidden);
  adapted_ = carver.take(lora_rank_ == 0 ? 0 : r * shape_.query_width());
  final_norm_ = carver.take(hidden);
  final_inverse_ = carver.take(r);
  logits_ = carver.take(r * shape_.vocab);
  return carver.used();
}

std::size_t Model::place_scratch(float* base) {
  Carver carver(base);
  const std::size_t r = rows();
  BackwardScratch& s = scratch_;
  for (float** part : {&s.dstream, &s.dmiddle, &s.dnorm, &s.branch, &s.partial}) *part = carver.take(r * shape_.hidden);
  for (float** part : {&s.dmlp, &s.dgate, &s.dup}) *part = carver.take(r * shape_.intermediate);
  for (float** part : {&s.dcontext, &s.dq}) *part = carver.take(r * shape_.query_width());
  for (float** part : {&s.dk, &s.dv}) *part = carver.take(r * shape_.kv_width());
  s.dlow = carver.take(r * lora_rank_);
  for (float** part : {&s.dprobabilities, &s.dscores}) *part = carver.take(r * shape_.heads * attention_.seq);
  return carver.used();
}

void Model::project(const Ops& ops, float* y, const float* x, const float* w, GemmShape shape, events::Here at) const {
  if (shape_.library_gemms) {
    ops.library_gemm(y, x, w, shape);
  } else {
    ops.gemm(y, x, w, shape, at);
  }
}

void Model::forward(const Ops& ops, const std::int32_t* tokens) const {
  ops.embedding(stream_[0], tokens, weights_.embedding, rows(), shape_.hidden);
  for (std::uint32_t block = 0; block < shape_.layers; ++block) {
    forward_attention(ops, block);
    forward_mlp(ops, block);
  }
  ops.rmsnorm(final_norm_, final_inverse_, stream_.back(), weights_.final_norm, rows(), shape_.hidden,
              shape_.rms_norm_eps);
  ops.gemm(logits_, final_norm_, weights_.embedding, linear(shape_.hidden, shape_.vocab));
}

// middle = stream + o(attention(norm(stream)))
void Model::forward_attention(const Ops& ops, std::uint32_t block) const {
  const BlockTensors& w = weights_.blocks[block];
  const BlockActivations& a = activations(block);
  const std::uint32_t query = shape_.query_width();
  const std::uint32_t kv = shape_.kv_width();
  ops.rmsnorm(a.norm1, a.inverse1, stream_[block], w.norm1, rows(), shape_.hidden, shape_.rms_norm_eps);
  project(ops, a.q, a.norm1, w.q, linear(shape_.hidden, query));
  project(ops, a.k, a.norm1, w.k, linear(shape_.hidden, kv));
  project(ops, a.v, a.norm1, w.v, linear(shape_.hidden, kv));
  adapt(ops, a.q, a.q_low, a.norm1, w.q_lora_a, w.q_lora_b, query);
  adapt(ops, a.v, a.v_low, a.norm1, w.v_lora_a, w.v_lora_b, kv);
  ops.bias_add(a.q, w.q_bias, rows(), query);
  ops.bias_add(a.k, w.k_bias, rows(), kv);
  ops.bias_add(a.v, w.v_bias, rows(), kv);
  ops.rope(a.q, rows(), shape_.heads, attention_, shape_.rope_theta);
  ops.rope(a.k, rows(), shape_.kv_heads, attention_, shape_.rope_theta);
  ops.attention_scores(scores_, a.q, a.k, attention_, batch_);
  ops.softmax(a.probabilities, scores_, rows() * shape_.heads, attention_.seq);
  ops.attention_context(a.context, a.probabilities, a.v, attention_, batch_);
  project(ops, branch_, a.context, w.o, linear(query, shape_.hidden));
  ops.add(a.middle, stream_[block], branch_, rows() * shape_.hidden);
}

// y += (x A^T) B^T, where there is an adapter
void Model::adapt(const Ops& ops, float* y, float* low, const float* x, const float* a, const float* b,
                  std::uint32_t columns) const {
  if (lora_rank_ == 0) return;
  ops.gemm(low, x, a, linear(shape_.hidden, lora_rank_));
  ops.gemm(adapted_, low, b, linear(lora_rank_, columns));
  ops.add(y, y, adapted_, rows() * columns);
}

// next stream = middle + down(silu(gate(norm)) * up(norm))
void Model::forward_mlp(const Ops& ops, std::uint32_t block) const {
  const BlockTensors& w = weights_.blocks[block];
  const BlockActivations& a = activations(block);
  const std::uint32_t inner = shape_.intermediate;
  ops.rmsnorm(a.norm2, a.inverse2, a.middle, w.norm2, rows(), shape_.hidden, shape_.rms_norm_eps);
  project(ops, a.gate, a.norm2, w.gate, linear(shape_.hidden, inner));
  project(ops, a.up, a.norm2, w.up, linear(shape_.hidden, inner));
  ops.silu(a.silu, a.gate, rows() * inner);
  ops.multiply(a.mlp, a.silu, a.up, rows() * inner);
  project(ops, branch_, a.mlp, w.down, linear(inner, shape_.hidden));
  ops.add(stream_[block + 1], a.middle, branch_, rows() * shape_.hidden);
}

void Model::backward(const Ops& ops, const std::int32_t* tokens, const float* dlogits) const {
  backward_head(ops, dlogits);
  for (std::uint32_t block = shape_.layers; block-- > 0;) {
    backward_mlp(ops, block);
    backward_attention(ops, block);
    backward_projections(ops, block);
  }
  ops.embedding_backward(gradients_.embedding, tokens, scratch_.dstream, rows(), shape_.hidden);
}

void Model::backward_head(const Ops& ops, const float* dlogits) const {
  const BackwardScratch& s = scratch_;
  const GemmShape head = linear(shape_.hidden, shape_.vocab);
  ops.gemm_backward_a(s.dnorm, dlogits, weights_.embedding, head);
  ops.gemm_backward_b(gradients_.embedding, dlogits, final_norm_, head);
  ops.rmsnorm_backward(s.dstream, gradients_.final_norm, s.partial, s.dnorm, stream_.back(), weights_.final_norm,
                       final_inverse_, rows(), shape_.hidden);
}

// dstream (after the block) to dmiddle
void Model::backward_mlp(const Ops& ops, std::uint32_t block) const {
  const BlockTensors& w = weights_.blocks[block];
  const BlockTensors& d = gradients_.blocks[block];
  const BlockActivations& a = activations(block);
  const BackwardScratch& s = scratch_;
  const std::uint32_t count = rows() * shape_.intermediate;
  const GemmShape down = linear(shape_.intermediate, shape_.hidden);
  const GemmShape up = linear(shape_.hidden, shape_.intermediate);
  ops.gemm_backward_a(s.dmlp, s.dstream, w.down, down);
  ops.gemm_backward_b(d.down, s.dstream, a.mlp, down);
  ops.multiply(s.dup, s.dmlp, a.silu, count);
  ops.multiply(s.dmlp, s.dmlp, a.up, count);
  ops.silu_backward(s.dgate, s.dmlp, a.gate, count);
  ops.gemm_backward_a(s.dnorm, s.dgate, w.gate, up);
  ops.gemm_backward_a(s.branch, s.dup, w.up, up);
  ops.add(s.dnorm, s.dnorm, s.branch, rows() * shape_.hidden);
  ops.gemm_backward_b(d.gate, s.dgate, a.norm2, up);
  ops.gemm_backward_b(d.up, s.dup, a.norm2, up);
  ops.rmsnorm_backward(s.branch, d.norm2, s.partial, s.dnorm, a.middle, w.norm2, a.inverse2, rows(), shape_.hidden);
  ops.add(s.dmiddle, s.branch, s.dstream, rows() * shape_.hidden);
}

// dmiddle to dq, dk, dv before bias and rotation
void Model::backward_attention(const Ops& ops, std::uint32_t block) const {
  const BlockActivations& a = activations(block);
  const BackwardScratch& s = scratch_;
  const GemmShape out = linear(shape_.query_width(), shape_.hidden);
  ops.gemm_backward_a(s.dcontext, s.dmiddle, weights_.blocks[block].o, out);
  ops.gemm_backward_b(gradients_.blocks[block].o, s.dmiddle, a.context, out);
  ops.attention_context_backward(s.dprobabilities, s.dv, s.dcontext, a.probabilities, a.v, attention_, batch_);
  ops.softmax_backward(s.dscores, s.dprobabilities, a.probabilities, rows() * shape_.heads, attention_.seq);
  ops.attention_scores_backward(s.dq, s.dk, s.dscores, a.q, a.k, attention_, batch_);
  ops.rope_backward(s.dq, rows(), shape_.heads, attention_, shape_.rope_theta);
  ops.rope_backward(s.dk, rows(), shape_.kv_heads, attention_, shape_.rope_theta);
}

// dq, dk, dv and dmiddle to dstream (before the block)
void Model::backward_projections(const Ops& ops, std::uint32_t block) const {
  const BlockTensors& w = weights_.blocks[block];
  const BlockTensors& d = gradients_.blocks[block];
  const BlockActivations& a = activations(block);
  const BackwardScratch& s = scratch_;
  const GemmShape query = linear(shape_.hidden, shape_.query_width());
  const GemmShape kv = linear(shape_.hidden, shape_.kv_width());
  ops.bias_grad(d.q_bias, s.dq, rows(), query.n);
  ops.bias_grad(d.k_bias, s.dk, rows(), kv.n);
  ops.bias_grad(d.v_bias, s.dv, rows(), kv.n);
  ops.gemm_backward_b(d.q, s.dq, a.norm1, query);
  ops.gemm_backward_b(d.k, s.dk, a.norm1, kv);
  ops.gemm_backward_b(d.v, s.dv, a.norm1, kv);
  ops.gemm_backward_a(s.dnorm, s.dq, w.q, query);
  ops.gemm_backward_a(s.branch, s.dk, w.k, kv);
  ops.add(s.dnorm, s.dnorm, s.branch, rows() * shape_.hidden);
  ops.gemm_backward_a(s.branch, s.dv, w.v, kv);
  ops.add(s.dnorm, s.dnorm, s.branch, rows() * shape_.hidden);
  backward_adapter(ops, {d.q_lora_a, d.q_lora_b}, s.dq, a.q_low, a.norm1, w.q_lora_a, w.q_lora_b, query.n);
  backward_adapter(ops, {d.v_lora_a, d.v_lora_b}, s.dv, a.v_low, a.norm1, w.v_lora_a, w.v_lora_b, kv.n);
  ops.rmsnorm_backward(s.branch, d.norm1, s.partial, s.dnorm, stream_[block], w.norm1, a.inverse1, rows(),
                       shape_.hidden);
  ops.add(s.dstream, s.branch, s.dmiddle, rows() * shape_.hidden);
}

// dnorm grows by the adapter's share
void Model::backward_adapter(const Ops& ops, AdapterGradients grown, const float* dy, const float* low, const float* x,
                             const float* a, const float* b, std::uint32_t columns) const {
  if (lora_rank_ == 0) return;
  const BackwardScratch& s = scratch_;
  const GemmShape down = linear(shape_.hidden, lora_rank_);
  const GemmShape up = linear(lora_rank_, columns);
  ops.gemm_backward_b(grown.b, dy, low, up);
  ops.gemm_backward_a(s.dlow, dy, b, up);
  ops.gemm_backward_b(grown.a, s.dlow, x, down);
  ops.gemm_backward_a(s.branch, s.dlow, a, down);
  ops.add(s.dnorm, s.dnorm, s.branch, rows() * shape_.hidden);
}

}  // namespace smgate::workload
