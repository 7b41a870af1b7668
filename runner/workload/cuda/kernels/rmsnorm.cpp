// RMSNorm with the residual addition before it, one warp a row; its backward with the residual gradient; the second
// stage of its weights' gradient.
#include "runner/workload/cuda/kernels/text.hpp"

namespace smgate::workload::cuda::kernels {

namespace {

// sum = stream + branch; out = sum / rms(sum) * gamma. Without a branch the stream is normed as it is.
constexpr const char* kForward = R"cuda(
#define PER ((HIDDEN / 4 + 31) / 32)
extern "C" __global__ void __launch_bounds__(256) batched_rmsnorm_fwd(T* out, float* inverse_rms, float* sum,
                                                                      const float* stream, const T* branch,
                                                                      const float* gamma, u32 rows) {
  const u32 row = blockIdx.x * 8 + threadIdx.x / 32;
  const u32 lane = threadIdx.x % 32;
  if (row >= rows) return;
  const u64 start = (u64)row * HIDDEN;
  float x[PER][4];
  float squares = 0.0f;
#pragma unroll
  for (u32 i = 0; i < PER; ++i) {
    const u32 at = 4 * (lane + 32 * i);
    if (at >= HIDDEN) continue;
    load4(stream + start + at, x[i]);
    if (branch != nullptr) {
      float add[4];
      load4(branch + start + at, add);
      for (u32 j = 0; j < 4; ++j) x[i][j] += add[j];
      store4(sum + start + at, x[i]);
    }
    for (u32 j = 0; j < 4; ++j) squares += x[i][j] * x[i][j];
  }
  const float inverse = 1.0f / sqrtf(warp_sum(squares) / (float)HIDDEN + EPS);
  if (lane == 0) inverse_rms[row] = inverse;
#pragma unroll
  for (u32 i = 0; i < PER; ++i) {
    const u32 at = 4 * (lane + 32 * i);
    if (at >= HIDDEN) continue;
    float g[4];
    load4(gamma + at, g);
    for (u32 j = 0; j < 4; ++j) g[j] *= x[i][j] * inverse;
    store4(out + start + at, g);
  }
}
)cuda";

// dstream (+)= inverse * (dout * gamma - x * inverse^2 * mean(dout * gamma * x)), also stored as T for the products
// that follow; partial: each block's sum over its rows of dout * x * inverse.
constexpr const char* kBackward = R"cuda(
#define PER ((HIDDEN / 4 + 31) / 32)
extern "C" __global__ void __launch_bounds__(256) batched_rms_norm_backward(float* dstream, T* dstream_copy,
                                                                            float* partial, const T* dout,
                                                                            const float* x, const float* gamma,
                                                                            const float* inverse_rms, u32 rows,
                                                                            u32 adds) {
  __shared__ __align__(16) float total[8][HIDDEN];  // up to 1536 columns in 48 KB
  const u32 warp = threadIdx.x / 32;
  const u32 lane = threadIdx.x % 32;
  float grown[PER][4];
#pragma unroll
  for (u32 i = 0; i < PER; ++i) {
    for (u32 j = 0; j < 4; ++j) grown[i][j] = 0.0f;
  }
  for (u32 row = blockIdx.x * 8 + warp; row < rows; row += gridDim.x * 8) {
    const u64 start = (u64)row * HIDDEN;
    const float inverse = inverse_rms[row];
    float v[PER][4], d[PER][4];
    float dot = 0.0f;
#pragma unroll
    for (u32 i = 0; i < PER; ++i) {
      const u32 at = 4 * (lane + 32 * i);
      if (at >= HIDDEN) continue;
      float g[4];
      load4(x + start + at, v[i]);
      load4(dout + start + at, d[i]);
      load4(gamma + at, g);
      for (u32 j = 0; j < 4; ++j) {
        grown[i][j] += d[i][j] * v[i][j] * inverse;
        d[i][j] *= g[j];
        dot += d[i][j] * v[i][j];
      }
    }
    const float mean = warp_sum(dot) / (float)HIDDEN;
#pragma unroll
    for (u32 i = 0; i < PER; ++i) {
      const u32 at = 4 * (lane + 32 * i);
      if (at >= HIDDEN) continue;
      float before[4] = {0.0f, 0.0f, 0.0f, 0.0f};
      if (adds != 0) load4(dstream + start + at, before);
      for (u32 j = 0; j < 4; ++j) before[j] += inverse * (d[i][j] - v[i][j] * inverse * inverse * mean);
      store4(dstream + start + at, before);
      store4(dstream_copy + start + at, before);
    }
  }
#pragma unroll
  for (u32 i = 0; i < PER; ++i) {
    const u32 at = 4 * (lane + 32 * i);
    if (at < HIDDEN) store4(total[warp] + at, grown[i]);
  }
  __syncthreads();
  for (u32 i = threadIdx.x; i < HIDDEN; i += 256) {
    float sum = total[0][i];
    for (u32 w = 1; w < 8; ++w) sum += total[w][i];
    partial[(u64)blockIdx.x * HIDDEN + i] = sum;
  }
}
)cuda";

// total[column] = the sum over `count` partial rows, in an order that is the same in every run.
constexpr const char* kReduce = R"cuda(
extern "C" __global__ void __launch_bounds__(256) NAME(float* total, const float* partial, u32 count, u32 columns) {
  __shared__ float part[8][8];
  const u32 column = blockIdx.x * 8 + threadIdx.x % 8;
  float sum = 0.0f;
  if (column < columns) {
#pragma unroll 8
    for (u32 row = threadIdx.x / 8; row < count; row += 32) sum += partial[(u64)row * columns + column];
  }
  sum += __shfl_xor_sync(0xffffffffu, sum, 8);
  sum += __shfl_xor_sync(0xffffffffu, sum, 16);
  if (threadIdx.x % 32 < 8) part[threadIdx.x / 32][threadIdx.x % 8] = sum;
  __syncthreads();
  if (threadIdx.x >= 8 || column >= columns) return;
  for (u32 i = 1; i < 8; ++i) sum += part[i][threadIdx.x];
  total[column] = sum;
}
)cuda";

std::string reduce_named(const std::string& name) { return "#define NAME " + name + "\n" + kReduce; }

}  // namespace

Kernel rmsnorm_forward(Storage storage, std::uint32_t hidden, float eps) {
  static const Text text("batched_rmsnorm_fwd", kForward);
  return {join_key(stored("batched_rmsnorm_fwd", storage), {hidden}) + float_token("eps", eps),
          Body(text.definition(), {storage_param(storage), uint_param("hidden", hidden), float_param("eps", eps)})};
}

Kernel rmsnorm_backward(Storage storage, std::uint32_t hidden) {
  static const Text text("batched_rms_norm_backward", kBackward);
  return {join_key(stored("batched_rms_norm_backward", storage), {hidden}),
          Body(text.definition(), {storage_param(storage), uint_param("hidden", hidden)})};
}

Kernel rms_norm_gamma_reduce() {
  static const Text text("rms_norm_gamma_reduce", reduce_named("rms_norm_gamma_reduce"));
  return {"rms_norm_gamma_reduce", Body(text.definition())};
}

Kernel bias_grad_reduce() {
  static const Text text("bias_grad_reduce", reduce_named("bias_grad_reduce"));
  return {"bias_grad_reduce", Body(text.definition())};
}

}  // namespace smgate::workload::cuda::kernels
