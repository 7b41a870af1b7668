// One decoder on a back end: weights, activations, forward pass and, for a model that is trained, backward pass. The
// back end owns the memory; the model owns the places in it. Called by the trainer; one thread.
#pragma once

#include <cstdint>
#include <vector>

#include "runner/workload/model/ops.hpp"
#include "runner/workload/model/weights.hpp"

namespace smgate::workload {

// What a block keeps of its forward pass for its backward pass.
struct BlockActivations {
  float *norm1, *inverse1, *q, *k, *v, *probabilities, *context, *middle, *norm2, *inverse2, *gate, *up, *silu, *mlp,
      *q_low, *v_low;  // of the adapters: x A^T
};

// Where a backward pass keeps what it needs for one block at a time.
struct BackwardScratch {
  float *dstream, *dmiddle, *dnorm, *branch, *partial, *dmlp, *dgate, *dup, *dcontext, *dprobabilities, *dscores, *dq,
      *dk, *dv, *dlow;
};

class Model {
 public:
  Model(const ModelShape& shape, std::uint32_t batch, std::uint32_t seq, bool trained, std::uint32_t lora_rank = 0);

  const ModelShape& shape() const { return shape_; }
  const std::vector<TensorInfo>& layout() const { return layout_; }
  std::size_t weight_floats() const { return float_count(layout_); }
  // Trained tensors stand last in the layout: the first of them, and their floats.
  std::size_t first_trained() const { return first_trained_; }
  std::size_t trained_offset() const { return layout_[first_trained_].offset; }
  std::size_t trained_floats() const { return weight_floats() - trained_offset(); }
  std::size_t activation_floats() const;
  std::size_t scratch_floats() const;

  // Blocks of the sizes above, the gradients of trained_floats(); bind_gradients only for a model that is trained.
  void bind(float* weights, float* activations);
  void bind_gradients(float* gradients, float* scratch);

  void forward(const Ops& ops, const std::int32_t* tokens) const;
  // From dlogits (rows x vocab) to the gradients, which must be zero before.
  void backward(const Ops& ops, const std::int32_t* tokens, const float* dlogits) const;

  const float* logits() const { return logits_; }
  float* weights() const { return weights_.embedding; }
  float* gradients() const { return gradient_base_; }

 private:
  std::uint32_t rows() const { return batch_ * attention_.seq; }
  GemmShape linear(std::uint32_t inner, std::uint32_t columns) const { return {rows(), inner, columns}; }
  const BlockActivations& activations(std::uint32_t block) const { return blocks_[trained_ ? block : 0]; }
  std::size_t place_activations(float* base);
  std::size_t place_scratch(float* base);
  void project(const Ops& ops, float* y, const float* x, const float* w, GemmShape shape,
               events::Here at = events::Here::now()) const;

  void forward_attention(const Ops& ops, std::uint32_t block) const;
  void forward_mlp(const Ops& ops, std::uint32_t block) const;
  void backward_head(const Ops& ops, const float* dlogits) const;
  void backward_mlp(const Ops& ops, std::uint32_t block) const;
  void backward_attention(const Ops& ops, std::uint32_t block) const;
  void backward_projections(const Ops& ops, std::uint32_t block) const;
  void adapt(const Ops& ops, float* y, float* low, const float* x, const float* a, const float* b,
             std::uint32_t columns) const;
  struct AdapterGradients {
    float *a, *b;
  };
  void backward_adapter(const Ops& ops, AdapterGradients grown, const float* dy, const float* low, const float* x,
                        const float* a, const float* b, std::uint32_t columns) const;

  ModelShape shape_;
  AttentionShape attention_;
  std::uint32_t batch_;
  bool trained_;
  std::uint32_t lora_rank_;
  std::vector<TensorInfo> layout_;
  std::size_t first_trained_;
  float* gradient_base_ = nullptr;
  ModelTensors weights_{};
  ModelTensors gradients_{};
  std::vector<float*> stream_;  // the residual stream before each block and after the last
  std::vector<BlockActivations> blocks_;
  float* scores_ = nullptr;
  float* branch_ = nullptr;
  float* adapted_ = nullptr;
  float* final_norm_ = nullptr;
  float* final_inverse_ = nullptr;
  float* logits_ = nullptr;
  BackwardScratch scratch_{};
};

}  // namespace smgate::workload
