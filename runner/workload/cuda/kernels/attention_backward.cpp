// The backward passes of attention on the tensor cores, behind the shared start of attention.cpp.
#include "runner/workload/cuda/kernels/attention.hpp"

namespace smgate::workload::cuda::kernels {

const char* const kTiledAttentionBackwardQ = R"cuda(
// The products of a row's output and its gradient, from the fragments of the latter.
__device__ __forceinline__ void row_dots(float* dot, const T* out, const u32 (*d)[4], u32 first, u32 valid) {
  const u32 row = first + threadIdx.x % 32 / 4;
  dot[0] = dot[1] = 0.0f;
#pragma unroll
  for (u32 k = 0; k < DIM / 16; ++k) {
#pragma unroll
    for (u32 j = 0; j < 4; ++j) {
      const u32 column = 16 * k + 2 * (threadIdx.x % 4) + j / 2 * 8;
      const u32 at = row + j % 2 * 8;
      if (column >= HEAD_DIM || at >= valid) continue;
      const u32 o = *(const u32*)(out + (u64)at * QUERIES + column);
      dot[j % 2] += bf16_low(o) * bf16_low(d[k][j]) + bf16_high(o) * bf16_high(d[k][j]);
    }
  }
#pragma unroll
  for (u32 r = 0; r < 2; ++r) {
    dot[r] += __shfl_xor_sync(0xffffffffu, dot[r], 1);
    dot[r] += __shfl_xor_sync(0xffffffffu, dot[r], 2);
  }
}
extern "C" __global__ void __launch_bounds__(128) attention_bwd_q(T* dq, float* delta, const T* dout, const T* out,
                                                                  const float* lse, const T* qkv) {
  __shared__ __align__(16) T keys[STAGES][TILE];
  __shared__ __align__(16) T values[STAGES][TILE];
  const u32 q0 = (gridDim.x - 1 - blockIdx.x) * 64, head = blockIdx.y, batch = blockIdx.z;
  const u32 warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
  const T* start = qkv + (u64)batch * SEQ * WIDTH;
  const T* k_start = start + (HEADS + head / GROUP) * HEAD_DIM;
  const u64 place = (u64)batch * SEQ * QUERIES + head * HEAD_DIM;
  const auto load = [&](u32 k0) {
    const u32 stage = k0 / 64 % STAGES;
    load_tile(keys[stage], k_start + (u64)k0 * WIDTH, WIDTH, SEQ - k0);
    load_tile(values[stage], k_start + KV_HEADS * HEAD_DIM + (u64)k0 * WIDTH, WIDTH, SEQ - k0);
  };
  u32 q[DIM / 16][4], d[DIM / 16][4];
  load_tile(keys[STAGES - 1], start + (u64)q0 * WIDTH + head * HEAD_DIM, WIDTH, SEQ - q0);
  load_tile(values[STAGES - 1], dout + place + (u64)q0 * QUERIES, QUERIES, SEQ - q0);
  commit();
  if (STAGES == 2) load(0);
  commit();
  wait_for<1>();
  __syncthreads();
  load_a(q, keys[STAGES - 1] + 16 * warp * PITCH);
  load_a(d, values[STAGES - 1] + 16 * warp * PITCH);
  float dot[2], logs[2];
  row_dots(dot, out + place, d, q0 + 16 * warp, SEQ);
#pragma unroll
  for (u32 r = 0; r < 2; ++r) {
    const u32 row = q0 + 16 * warp + g + 8 * r;
    const u64 at = ((u64)batch * HEADS + head) * SEQ + row;
    logs[r] = row < SEQ ? lse[at] * LOG2E : 0.0f;
    if (t == 0 && row < SEQ) delta[at] = dot[r];
  }
  float grown[DIM / 8][4];
#pragma unroll
  for (u32 n = 0; n < DIM / 8; ++n) grown[n][0] = grown[n][1] = grown[n][2] = grown[n][3] = 0.0f;
  const float scale = SCALE;
  for (u32 k0 = 0; k0 <= q0; k0 += 64) {
    const bool diagonal = k0 == q0;
    const u32 last = diagonal ? warp : 3;
    __syncthreads();
    if (STAGES == 1) load(k0);
    if (STAGES == 2 && !diagonal) load(k0 + 64);
    commit();
    wait_for<STAGES - 1>();
    __syncthreads();
    const T* key_tile = keys[k0 / 64 % STAGES];
    const T* value_tile = values[k0 / 64 % STAGES];
#pragma unroll
    for (u32 k = 0; k < 4; ++k) {
      if (k > last) continue;
      float s[2][4], dp[2][4];
#pragma unroll
      for (u32 j = 0; j < 8; ++j) s[j / 4][j % 4] = dp[j / 4][j % 4] = 0.0f;
      mma_rows(s, q, key_tile + 16 * k * PITCH);
      mma_rows(dp, d, value_tile + 16 * k * PITCH);
#pragma unroll
      for (u32 j = 0; j < 8; ++j) {
        const u32 r = j % 4 / 2;
        float p = power2(s[j / 4][j % 4] * (scale * LOG2E) - logs[r]);
        if (diagonal && k == warp && 8 * (j / 4) + 2 * t + j % 2 > g + 8 * r) p = 0.0f;
        s[j / 4][j % 4] = p * (dp[j / 4][j % 4] - dot[r]) * scale;
      }
      mma_columns(grown, s, key_tile + 16 * k * PITCH);
    }
  }
  store_rows(dq + place, grown, 1.0f, 1.0f, q0 + 16 * warp, SEQ);
}
)cuda";

// Scores are made transposed, keys as rows, so that they are at once what dk and dv need as their left side. Rows of
// queries beyond the last are zero, as are their gradients: they add nothing.
const char* const kTiledAttentionBackwardKv = R"cuda(
extern "C" __global__ void __launch_bounds__(128) attention_bwd_kv(T* dk, T* dv, const T* dout, const float* lse,
                                                                   const float* delta, const T* qkv) {
  __shared__ __align__(16) T queries[STAGES][TILE];
  __shared__ __align__(16) T douts[STAGES][TILE];
  __shared__ float logs[STAGES][64], deltas[STAGES][64];
  const u32 k0 = blockIdx.x * 64, head = blockIdx.y, batch = blockIdx.z;
  const u32 warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
  const T* start = qkv + (u64)batch * SEQ * WIDTH;
  const T* k_start = start + (u64)k0 * WIDTH + (HEADS + head / GROUP) * HEAD_DIM;
  const u64 place = (u64)batch * SEQ * QUERIES + head * HEAD_DIM;
  const auto load = [&](u32 q0) {
    const u32 stage = q0 / 64 % STAGES;
    load_tile(queries[stage], start + (u64)q0 * WIDTH + head * HEAD_DIM, WIDTH, SEQ - q0);
    load_tile(douts[stage], dout + place + (u64)q0 * QUERIES, QUERIES, SEQ - q0);
    const u32 row = threadIdx.x % 64;
    const bool there = q0 + row < SEQ;
    const u64 at = ((u64)batch * HEADS + head) * SEQ + (there ? q0 + row : 0);
    if (threadIdx.x < 64) {
      load_float(&logs[stage][row], lse + at, there);
    } else {
      load_float(&deltas[stage][row], delta + at, there);
    }
  };
  u32 k[DIM / 16][4], v[DIM / 16][4];
  const u32 spare = STAGES == 2 ? (k0 / 64 + 1) % 2 : 0;
  load_tile(queries[spare], k_start, WIDTH, SEQ - k0);
  load_tile(douts[spare], k_start + KV_HEADS * HEAD_DIM, WIDTH, SEQ - k0);
  commit();
  if (STAGES == 2) load(k0);
  commit();
  wait_for<1>();
  __syncthreads();
  load_a(k, queries[spare] + 16 * warp * PITCH);
  load_a(v, douts[spare] + 16 * warp * PITCH);
  float grown_k[DIM / 8][4], grown_v[DIM / 8][4];
#pragma unroll
  for (u32 n = 0; n < DIM / 8; ++n) {
#pragma unroll
    for (u32 j = 0; j < 4; ++j) grown_k[n][j] = grown_v[n][j] = 0.0f;
  }
  const float scale = SCALE;
  for (u32 q0 = k0; q0 < SEQ; q0 += 64) {
    const bool diagonal = q0 == k0;
    const u32 first = diagonal ? warp : 0;
    const u32 stage = q0 / 64 % STAGES;
    __syncthreads();
    if (STAGES == 1) load(q0);
    if (STAGES == 2 && q0 + 64 < SEQ) load(q0 + 64);
    commit();
    wait_for<STAGES - 1>();
    __syncthreads();
#pragma unroll
    for (u32 i = 0; i < 4; ++i) {
      if (i < first) continue;
      const T* query_rows = queries[stage] + 16 * i * PITCH;
      const T* dout_rows = douts[stage] + 16 * i * PITCH;
      float p[2][4], ds[2][4];
#pragma unroll
      for (u32 j = 0; j < 8; ++j) p[j / 4][j % 4] = ds[j / 4][j % 4] = 0.0f;
      mma_rows(p, k, query_rows);
      mma_rows(ds, v, dout_rows);
#pragma unroll
      for (u32 j = 0; j < 8; ++j) {
        const u32 column = 8 * (j / 4) + 2 * t + j % 2;
        float& weight = p[j / 4][j % 4];
        weight = power2(weight * (scale * LOG2E) - logs[stage][16 * i + column] * LOG2E);
        if (diagonal && i == warp && g + 8 * (j % 4 / 2) > column) weight = 0.0f;
        ds[j / 4][j % 4] = weight * (ds[j / 4][j % 4] - deltas[stage][16 * i + column]) * scale;
      }
      mma_columns(grown_v, p, dout_rows);
      mma_columns(grown_k, ds, query_rows);
    }
  }
  store_rows(dk + place, grown_k, 1.0f, 1.0f, k0 + 16 * warp, SEQ);
  store_rows(dv + place, grown_v, 1.0f, 1.0f, k0 + 16 * warp, SEQ);
}
)cuda";

}  // namespace smgate::workload::cuda::kernels
