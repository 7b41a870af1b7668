// The end of a step: the gradient's norm, the step's figures, AdamW (Loshchilov and Hutter, 2019) over all weights at
// once. What changes from step to step lies in device memory, so that one graph serves every step.
#include "runner/workload/cuda/kernels/text.hpp"

namespace smgate::workload::cuda::kernels {

namespace {

constexpr const char* kPartials = R"cuda(
extern "C" __global__ void __launch_bounds__(256) grad_norm_partials(float* partials, const float* gradient, u64 count) {
  __shared__ float part[8];
  float sum = 0.0f;
  for (u64 i = 4 * ((u64)blockIdx.x * 256 + threadIdx.x); i < count; i += 4ull * 256 * gridDim.x) {
    float g[4];
    load4(gradient + i, g);
    sum += g[0] * g[0] + g[1] * g[1] + g[2] * g[2] + g[3] * g[3];
  }
  sum = warp_sum(sum);
  if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x != 0) return;
  for (u32 i = 1; i < 8; ++i) sum += part[i];
  partials[blockIdx.x] = sum;
}
)cuda";

// scalars: ce, kl, norm, clip scale, 1 - beta1^t, 1 - beta2^t; step counts from 0. A norm that is not a number scales
// to itself: the run must show it.
constexpr const char* kFinish = R"cuda(
__device__ double block_total(double value) {
  __shared__ double part[32];
  for (u32 step = 16; step > 0; step >>= 1) value += __shfl_xor_sync(0xffffffffu, value, step);
  __syncthreads();
  if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = value;
  __syncthreads();
  double sum = 0.0;
  for (u32 i = 0; i < 32; ++i) sum += part[i];
  return sum;
}
extern "C" __global__ void __launch_bounds__(1024) step_finish(float* scalars, u32* step, const float* partials,
                                                               u32 count, const float* losses, u32 rows) {
  double squares = 0.0, ce = 0.0, kl = 0.0;
  for (u32 i = threadIdx.x; i < count; i += 1024) squares += partials[i];
  for (u32 i = threadIdx.x; i < rows; i += 1024) ce += losses[2 * i], kl += losses[2 * i + 1];
  squares = block_total(squares);
  ce = block_total(ce);
  kl = block_total(kl);
  if (threadIdx.x != 0) return;
  const float norm = (float)sqrt(squares);
  const u32 t = ++*step;
  scalars[0] = (float)(ce / rows);
  scalars[1] = (float)(kl / rows);
  scalars[2] = norm;
  scalars[3] = norm <= NORM_MAX ? 1.0f : NORM_MAX / norm;
  scalars[4] = (float)(1.0 - pow((double)BETA1, (double)t));
  scalars[5] = (float)(1.0 - pow((double)BETA2, (double)t));
}
)cuda";

// The first `matrices` weights are matrices: they alone decay, and have a copy of type T that products read.
constexpr const char* kAdamw = R"cuda(
extern "C" __global__ void __launch_bounds__(256) adamw_step(float* weight, T* copy, float* moment, float* variance,
                                                             const float* gradient, const float* scalars,
                                                             float learning_rate, float weight_decay, u64 matrices,
                                                             u64 count) {
  const u64 i = 4 * ((u64)blockIdx.x * 256 + threadIdx.x);
  if (i >= count) return;
  const float scale = scalars[3], correction1 = scalars[4], correction2 = scalars[5];
  const float decay = i < matrices ? weight_decay : 0.0f;
  float w[4], m[4], v[4], g[4];
  load4(gradient + i, g);
  load4(moment + i, m);
  load4(variance + i, v);
  load4(weight + i, w);
  for (u32 j = 0; j < 4; ++j) {
    g[j] *= scale;
    m[j] = BETA1 * m[j] + (1.0f - BETA1) * g[j];
    v[j] = BETA2 * v[j] + (1.0f - BETA2) * g[j] * g[j];
    const float update = (m[j] / correction1) / (sqrtf(v[j] / correction2) + EPS);
    w[j] -= learning_rate * (update + decay * w[j]);
  }
  store4(moment + i, m);
  store4(variance + i, v);
  store4(weight + i, w);
#if BF16
  if (i < matrices) store4(copy + i, w);
#endif
}
)cuda";

}  // namespace

Kernel grad_norm_partials() {
  static const Text text("grad_norm_partials", kPartials);
  return {"grad_norm_partials", Body(text.definition())};
}

Kernel step_finish(AdamParams params, float norm_max) {
  static const Text text("step_finish", kFinish);
  return {
      "step_finish" + float_token("b1", params.beta1) + float_token("b2", params.beta2) + float_token("max", norm_max),
      Body(text.definition(), {float_param("beta1", params.beta1), float_param("beta2", params.beta2),
                               float_param("norm_max", norm_max)})};
}

Kernel adamw_step(Storage storage, AdamParams params) {
  static const Text text("adamw_step", kAdamw);
  return {stored("adamw_step", storage) + float_token("b1", params.beta1) + float_token("b2", params.beta2) +
              float_token("eps", params.eps),
          Body(text.definition(), {storage_param(storage), float_param("beta1", params.beta1),
                                   float_param("beta2", params.beta2), float_param("eps", params.eps)})};
}

}  // namespace smgate::workload::cuda::kernels
