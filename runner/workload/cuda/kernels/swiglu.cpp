// SwiGLU (Shazeer, 2020): mlp = silu(gate) * up, from rows of gate and up side by side.
#include "runner/workload/cuda/kernels/text.hpp"

namespace smgate::workload::cuda::kernels {

namespace {

constexpr const char* kForward = R"cuda(
extern "C" __global__ void swiglu_fwd(T* mlp, const T* gate_up, u32 rows) {
  const u32 i = blockIdx.x * blockDim.x + threadIdx.x;
  const u32 row = i / (INTERMEDIATE / 8);
  const u32 column = i % (INTERMEDIATE / 8) * 8;
  if (row >= rows) return;
  const T* from = gate_up + (u64)row * (2 * INTERMEDIATE) + column;
  float gate[8], up[8];
  load8(from, gate);
  load8(from + INTERMEDIATE, up);
  for (u32 j = 0; j < 8; ++j) up[j] *= silu(gate[j]);
  store8(mlp + (u64)row * INTERMEDIATE + column, up);
}
)cuda";

// In place: gate_up becomes its gradient, and the gradient of mlp becomes mlp again, which its weights' gradient needs.
constexpr const char* kBackward = R"cuda(
extern "C" __global__ void swiglu_bwd(T* gate_up, T* mlp, u32 rows) {
  const u32 i = blockIdx.x * blockDim.x + threadIdx.x;
  const u32 row = i / (INTERMEDIATE / 8);
  const u32 column = i % (INTERMEDIATE / 8) * 8;
  if (row >= rows) return;
  T* at = gate_up + (u64)row * (2 * INTERMEDIATE) + column;
  T* product = mlp + (u64)row * INTERMEDIATE + column;
  float gate[8], up[8], d[8];
  load8(at, gate);
  load8(at + INTERMEDIATE, up);
  load8(product, d);
  float made[8];
  for (u32 j = 0; j < 8; ++j) {
    const float open = sigmoid(gate[j]);
    const float passed = gate[j] * open;
    made[j] = passed * up[j];
    gate[j] = d[j] * up[j] * open * (1.0f + gate[j] * (1.0f - open));
    up[j] = d[j] * passed;
  }
  store8(at, gate);
  store8(at + INTERMEDIATE, up);
  store8(product, made);
}
)cuda";

Kernel swiglu(const char* name, const Text& text, Storage storage, std::uint32_t intermediate) {
  return {join_key(stored(name, storage), {intermediate}),
          Body(text.definition(), {storage_param(storage), uint_param("intermediate", intermediate)})};
}

}  // namespace

Kernel swiglu_forward(Storage storage, std::uint32_t intermediate) {
  static const Text text("swiglu_fwd", kForward);
  return swiglu("swiglu_fwd", text, storage, intermediate);
}

Kernel swiglu_backward(Storage storage, std::uint32_t intermediate) {
  static const Text text("swiglu_bwd", kBackward);
  return swiglu("swiglu_bwd", text, storage, intermediate);
}

}  // namespace smgate::workload::cuda::kernels
