// One decoder on a GPU: the places of its weights and activations, forward pass, backward pass. The trainer owns the
// memory; the model owns the places in it. Called by the trainer; one thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "runner/workload/cuda/layout.hpp"
#include "runner/workload/cuda/ops.hpp"

namespace smgate::workload::cuda {

// Hands out aligned parts of a block; without a base it only counts.
class Carver {
 public:
  explicit Carver(Address base) : base_(base) {}
  Address take(std::size_t bytes) {
    constexpr std::size_t kAlign = 256;  // what cuBLASLt's heuristics assume of every operand
    const Address part = base_ + used_;
    used_ += (bytes + kAlign - 1) / kAlign * kAlign;
    return part;
  }
  std::size_t used() const { return used_; }

 private:
  Address base_;
  std::size_t used_ = 0;
};

// What a block keeps of its forward pass. stream and middle are the residual stream before attention and before the
// MLP.
struct BlockActivations {
  Address stream, norm1, inverse1, qkv, context, middle, norm2, inverse2, gate_up;
};

// Where a backward pass keeps what it needs for one block at a time; what the gradients of weights read, at the side,
// is there twice, for blocks of even and of odd number.
struct BackwardScratch {
  Address dnorm, dstream, dcontext, dq, dk, dv, delta;
  struct Sided {
    Address dmlp, dqkv, middle, out;  // `middle`, `out`: the stream's gradient as T before the MLP and before attention
    Address partial1, partial2, partial_bias;
  };
  std::array<Sided, 2> sided;
};

// Joints between the step's stream and its side, for one block.
struct BlockEvents {
  explicit BlockEvents(const Driver& driver)
      : mlp(driver, CU_EVENT_DISABLE_TIMING),
        middle(driver, CU_EVENT_DISABLE_TIMING),
        qkv(driver, CU_EVENT_DISABLE_TIMING),
        out(driver, CU_EVENT_DISABLE_TIMING),
        done(driver, CU_EVENT_DISABLE_TIMING) {}
  Event mlp, middle, qkv, out;  // what the side reads is there
  Event done;                   // the side has read it
};

class CudaModel {
 public:
  CudaModel(const ModelShape& shape, std::uint32_t batch, std::uint32_t seq, bool trained, std::size_t element_bytes);

  const ModelShape& shape() const { return shape_; }
  const Layout& layout() const { return layout_; }
  std::uint32_t rows() const { return batch_ * attention_.seq; }
  std::size_t activation_bytes() const;
  std::size_t scratch_bytes() const;
  std::size_t lse_bytes() const { return std::size_t{rows()} * shape_.heads * sizeof(float); }
  std::size_t workspaces() const { return trained_ ? shape_.layers : 1; }

  // `matrices` in the storage type, `vectors` and `gradients` in fp32; a workspace of lse_bytes() for each of
  // workspaces() blocks.
  void bind(Address matrices, Address vectors, Address activations, std::vector<Address> workspaces);
  void bind_gradients(const Driver& driver, Address gradients, Address scratch);

  // Up to the norm before the head; the head's product is made in chunks of rows by the trainer.
  void forward(const CudaOps& ops, Address tokens) const;
  // From the gradient of that norm's output, which head_gradient() holds, to all gradients but the head's own.
  void backward(const CudaOps& ops, Address tokens) const;

  Address final_norm() const { return final_norm_; }
  Address head_gradient() const { return scratch_.dnorm; }
  Address embedding() const { return matrix(layout_.embedding); }
  Address embedding_gradient() const { return gradient(layout_.embedding); }

 private:
  Address matrix(std::size_t place) const { return matrices_ + place * element_bytes_; }
  Address vector(std::size_t place) const { return vectors_ + (place - layout_.matrices) * sizeof(float); }
  Address gradient(std::size_t place) const { return gradients_ + place * sizeof(float); }
  std::uint32_t qkv_width() const { return shape_.query_width() + 2 * shape_.kv_width(); }
  GemmShape linear(std::uint32_t inner, std::uint32_t columns) const { return {rows(), inner, columns}; }
  std::size_t place_activations(Address base);
  std::size_t place_scratch(Address base);
  void forward_attention(const CudaOps& ops, std::uint32_t block) const;
  void forward_mlp(const CudaOps& ops, std::uint32_t block) const;
  void backward_mlp(const CudaOps& ops, std::uint32_t block) const;
  void backward_attention(const CudaOps& ops, std::uint32_t block) const;
  const BackwardScratch::Sided& sided(std::uint32_t block) const { return scratch_.sided[block % 2]; }

  ModelShape shape_;
  AttentionShape attention_;
  std::uint32_t batch_;
  bool trained_;
  std::size_t element_bytes_;
  Layout layout_;
  Address matrices_ = 0, vectors_ = 0, gradients_ = 0;
  std::vector<BlockActivations> blocks_;
  std::vector<Address> lse_;
  Address last_stream_ = 0, branch_ = 0, mlp_ = 0, final_norm_ = 0, final_inverse_ = 0;
  BackwardScratch scratch_{};
  std::vector<std::shared_ptr<BlockEvents>> events_;  // of each block and, last, of the norm before the head
};

}  // namespace smgate::workload::cuda
