// The kernels of a training step on a GPU: each one's key and CUDA C++ body. Pre-warm lists and the step build theirs
// by these functions alone. Storage is the type of matrices and activations; the residual stream, gradients, norms' and
// biases' weights are fp32 in every mode. Their CPU references are in tests/gpu. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "smgate/kernel.hpp"
#include "smgate/keys.hpp"

namespace smgate::workload::cuda {

enum class Storage { kBf16, kF32 };

struct Kernel {
  std::string key;
  Body body;
};

namespace kernels {

// Rows that a block takes at once where a warp takes one.
inline constexpr std::uint32_t kRowsPerBlock = 8;
// Blocks of the kernels that walk over rows and leave one partial sum each: two on each multiprocessor of an H200.
inline constexpr std::uint32_t kPartialBlocksMax = 264;
inline constexpr std::uint32_t kRopeBlocksMax = 528;  // of the rotation's backward: four on each
inline constexpr std::uint32_t kNormBlocks = 1056;
inline constexpr std::uint32_t kColumnsPerBlock = 8;  // of the reductions of partial sums
inline constexpr std::uint32_t kAttentionTile = 64;   // rows of a group's queries, or keys of a head, that a block owns
inline constexpr std::uint32_t kAttentionThreads = 128;
inline constexpr std::uint32_t kAttentionTilesHeld = 4, kAttentionTilesHeldQ = 5;  // Q: for dq
inline constexpr std::uint32_t kLossThreads = 512;
inline constexpr std::uint32_t kFinishThreads = 1024;
// Of linear_swiglu: one warpgroup copies and finishes, two multiply. The copy engine takes tiles of x and of the
// weights, three a stage, three stages, which start at a multiple of 1,024 bytes; behind them lie products of four
// tiles' size.
inline constexpr std::uint32_t kLinearThreads = 384;
inline constexpr std::uint32_t kLinearTileRows = 128;
inline constexpr std::uint32_t kLinearTileColumns = 64;
inline constexpr std::uint32_t kLinearSharedBytes = (3 * 3 + 4) * kLinearTileRows * kLinearTileColumns * 2 + 1024;

// What step_finish leaves for AdamW and for the host: floats, in this order.
struct StepScalars {
  float ce, kl, grad_norm, clip_scale, correction1, correction2;
};

Kernel model_weights(Storage storage);  // entries seeded_normal and convert_weights
Kernel embedding_forward(Storage storage, std::uint32_t hidden);
Kernel embedding_backward(Storage storage, std::uint32_t hidden);
Kernel rmsnorm_forward(Storage storage, std::uint32_t hidden, float eps);
Kernel rmsnorm_backward(Storage storage, std::uint32_t hidden);
Kernel rms_norm_gamma_reduce();
Kernel rope_forward(Storage storage, AttentionShape shape, float theta);
Kernel rope_backward(Storage storage, AttentionShape shape, float theta);
Kernel bias_grad_reduce();
// Dynamic shared memory of a block that holds so many tiles.
std::uint32_t attention_shared_bytes(Storage storage, AttentionShape shape, std::uint32_t tiles);
Kernel attention_forward(Storage storage, AttentionShape shape);
Kernel attention_backward_q(Storage storage, AttentionShape shape);
Kernel attention_backward_kv(Storage storage, AttentionShape shape);
Kernel swiglu_forward(Storage storage, std::uint32_t intermediate);
Kernel swiglu_backward(Storage storage, std::uint32_t intermediate);
// The gate and up projections and SwiGLU in one, where `target` has what that takes; else the product, then
// swiglu_forward. `keeps`: gate and up are stored, too, for a backward pass.
bool has_linear_swiglu(Storage storage, std::string_view target, std::uint32_t hidden, std::uint32_t intermediate);
Kernel linear_swiglu(std::uint32_t hidden, std::uint32_t intermediate, bool keeps);
Kernel kd_loss(Storage storage, std::uint32_t vocab, float alpha, float temperature);
Kernel grad_norm_partials();
Kernel step_finish(AdamParams params, float norm_max);
Kernel adamw_step(Storage storage, AdamParams params);

}  // namespace kernels

}  // namespace smgate::workload::cuda
