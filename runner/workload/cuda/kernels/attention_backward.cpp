// The backward passes of attention on the tensor cores, behind the shared start of attention.cpp.
#include "runner/workload/cuda/kernels/attention.hpp"

namespace smgate::workload::cuda::kernels {

const char* const kTiledAttentionBackwardQ = R"cuda(
// The 64 keys from k0 on. `masked`: some of the rows may not see some of them.
template <bool masked>
__device__ __forceinline__ void grow_dq(float (*grown)[4], const u32 (*q)[4], const u32 (*d)[4], const float* logs,
                                        const float* dot, const T* keys, u32 k0, u32 row) {
  const u32 g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
  const float scale = SCALE * LOG2E;
#pragma unroll 1
  for (u32 k = 0; k < 4; ++k) {
    if (masked && k0 + 16 * k > (row + 15) / GROUP) continue;
    float s[2][4], dp[2][4];
    clear<2>(s);
#pragma unroll
    for (u32 j = 0; j < 8; ++j) dp[j / 4][j % 4] = -dot[j % 4 / 2];
    mma_rows(s, q, keys + 16 * k * PITCH);
    mma_rows(dp, d, keys + TILE + 16 * k * PITCH);
#pragma unroll
    for (u32 j = 0; j < 8; ++j) {
      s[j / 4][j % 4] = power2(s[j / 4][j % 4] * scale - logs[j % 4 / 2]) * dp[j / 4][j % 4];
    }
    if (masked && k0 + 16 * k + 15 > row / GROUP) {
#pragma unroll
      for (u32 j = 0; j < 8; ++j) {
        if (k0 + 16 * k + 8 * (j / 4) + 2 * t + j % 2 > (row + g + j % 4 / 2 * 8) / GROUP) s[j / 4][j % 4] = 0.0f;
      }
    }
    mma_columns(grown, s, keys + 16 * k * PITCH);
  }
}
// The products of two rows' outputs and their gradients.
__device__ __forceinline__ void row_dots(float* dot, const u32 (*o)[4], const u32 (*d)[4]) {
#pragma unroll
  for (u32 r = 0; r < 2; ++r) {
    dot[r] = 0.0f;
#pragma unroll
    for (u32 n = 0; n < DIM / 8; ++n) {
      const u32 a = o[n / 2][n % 2 * 2 + r], b = d[n / 2][n % 2 * 2 + r];
      dot[r] += bf16_low(a) * bf16_low(b) + bf16_high(a) * bf16_high(b);
    }
    dot[r] += __shfl_xor_sync(0xffffffffu, dot[r], 1);
    dot[r] += __shfl_xor_sync(0xffffffffu, dot[r], 2);
  }
}
extern "C" __global__ void __launch_bounds__(128, DIM > 64 ? 2 : 4)
    attention_bwd_q(T* dq, float* delta, const T* dout, const T* out, const float* lse, const T* qkv) {
  const u32 kv_head = blockIdx.x, batch = blockIdx.y, first = (gridDim.z - 1 - blockIdx.z) * 64;
  const u32 row = first + 16 * warp_number();
  const T* start = qkv + (u64)batch * SEQ * WIDTH;
  const T* k_start = start + (HEADS + kv_head) * HEAD_DIM;
  const u64 place = (u64)batch * SEQ * QUERIES + kv_head * (GROUP * HEAD_DIM);
  T* spare = memory + 2 * TILE;
  load_rows<GROUP>(spare, start + kv_head * (GROUP * HEAD_DIM), WIDTH, first, ROWS);
  load_rows<GROUP>(spare + TILE, dout + place, QUERIES, first, ROWS);
  load_rows<GROUP>(spare + 2 * TILE, out + place, QUERIES, first, ROWS);
  commit();
  load_keys(k_start, 0);
  const u32 own = row + threadIdx.x % 32 / 4;  // the upper row of the lane
  const auto scalar = [&](u32 at) {
    return ((u64)batch * HEADS + kv_head * GROUP + at % GROUP) * SEQ + at / GROUP;
  };
  float logs[2], dot[2];
#pragma unroll
  for (u32 r = 0; r < 2; ++r) logs[r] = own + 8 * r < ROWS ? lse[scalar(own + 8 * r)] * LOG2E : 0.0f;
  wait_for<1>();
  __syncthreads();
  u32 q[DIM / 16][4], d[DIM / 16][4], o[DIM / 16][4];
  load_a(q, spare + (row - first) * PITCH);
  load_a(d, spare + TILE + (row - first) * PITCH);
  load_a(o, spare + 2 * TILE + (row - first) * PITCH);
  row_dots(dot, o, d);
#pragma unroll
  for (u32 r = 0; r < 2; ++r) {
    if (threadIdx.x % 4 == 0 && own + 8 * r < ROWS) delta[scalar(own + 8 * r)] = dot[r];
  }
  float grown[DIM / 8][4];
  clear<DIM / 8>(grown);
  const u32 tiles = tiles_seen(first);
  for (u32 tile = 0; tile < tiles; ++tile) {
    wait_for<0>();
    __syncthreads();
    if (tile + 1 < tiles) load_keys(k_start, tile + 1);
    const T* keys = memory + tile % 2 * (2 * TILE);
    if (64 * tile + 63 <= row / GROUP) {
      grow_dq<false>(grown, q, d, logs, dot, keys, 64 * tile, row);
    } else {
      grow_dq<true>(grown, q, d, logs, dot, keys, 64 * tile, row);
    }
  }
#pragma unroll
  for (u32 r = 0; r < 2; ++r) {
    const u32 at = own + 8 * r;
    store_row(dq + place + (u64)(at / GROUP) * QUERIES + at % GROUP * HEAD_DIM, grown, r, SCALE, at < ROWS);
  }
}
)cuda";

// Scores are made transposed, keys as rows, so that they are at once what dk and dv need as their left side. Rows of
// queries beyond the last are zero, as are their gradients: they add nothing.
const char* const kTiledAttentionBackwardKv = R"cuda(
// 64 queries. `masked`: they are as many as the block's keys, of which the warp's start at 16 `first`.
template <bool masked>
__device__ __forceinline__ void grow_dk_dv(float (*grown_k)[4], float (*grown_v)[4], const u32 (*k)[4],
                                           const u32 (*v)[4], const T* queries, const float* logs, const float* deltas,
                                           u32 first) {
  const u32 g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
  const float scale = SCALE * LOG2E;
  constexpr u32 together = DIM > 64 ? 1 : 2;
#pragma unroll together
  for (u32 i = 0; i < 4; ++i) {
    if (masked && i < first) continue;
    const T* query_rows = queries + 16 * i * PITCH;
    const T* dout_rows = query_rows + TILE;
    float p[2][4], ds[2][4], log[4];
#pragma unroll
    for (u32 j = 0; j < 4; ++j) {
      log[j] = logs[16 * i + j / 2 * 8 + 2 * t + j % 2] * LOG2E;
      ds[j / 2][j % 2] = ds[j / 2][2 + j % 2] = -deltas[16 * i + j / 2 * 8 + 2 * t + j % 2];
    }
    clear<2>(p);
    mma_rows(p, k, query_rows);
    mma_rows(ds, v, dout_rows);
#pragma unroll
    for (u32 j = 0; j < 8; ++j) {
      float& weight = p[j / 4][j % 4];
      weight = power2(weight * scale - log[j / 4 * 2 + j % 2]);
      if (masked && 16 * first + g + 8 * (j % 4 / 2) > 16 * i + 8 * (j / 4) + 2 * t + j % 2) weight = 0.0f;
      ds[j / 4][j % 4] *= weight;
    }
    mma_columns(grown_v, p, dout_rows);
    mma_columns(grown_k, ds, query_rows);
  }
}
extern "C" __global__ void __launch_bounds__(128, DIM > 64 ? 2 : 3)
    attention_bwd_kv(T* dk, T* dv, const T* dout, const float* lse, const float* delta, const T* qkv) {
  __shared__ float logs[2][64], deltas[2][64];
  const u32 head = blockIdx.x, batch = blockIdx.y, k0 = blockIdx.z * 64, warp = warp_number();
  const T* start = qkv + (u64)batch * SEQ * WIDTH;
  const T* k_start = start + (HEADS + head / GROUP) * HEAD_DIM;
  const u64 place = (u64)batch * SEQ * QUERIES + head * HEAD_DIM;
  const auto load = [&](u32 q0, u32 stage) {
    T* to = memory + stage * (2 * TILE);
    load_rows<1>(to, start + head * HEAD_DIM, WIDTH, q0, SEQ);
    load_rows<1>(to + TILE, dout + place, QUERIES, q0, SEQ);
    const u32 query = q0 + threadIdx.x % 64;
    const u64 at = ((u64)batch * HEADS + head) * SEQ + (query < SEQ ? query : 0);
    float* scalars = threadIdx.x < 64 ? logs[stage] : deltas[stage];
    load_float(scalars + threadIdx.x % 64, (threadIdx.x < 64 ? lse : delta) + at, query < SEQ);
    commit();
  };
  load_rows<1>(memory + 2 * TILE, k_start, WIDTH, k0, SEQ);
  load_rows<1>(memory + 3 * TILE, k_start + KV_HEADS * HEAD_DIM, WIDTH, k0, SEQ);
  commit();
  load(k0, 0);
  wait_for<1>();
  __syncthreads();
  u32 k[DIM / 16][4], v[DIM / 16][4];
  load_a(k, memory + 2 * TILE + 16 * warp * PITCH);
  load_a(v, memory + 3 * TILE + 16 * warp * PITCH);
  float grown_k[DIM / 8][4], grown_v[DIM / 8][4];
  clear<DIM / 8>(grown_k);
  clear<DIM / 8>(grown_v);
  u32 stage = 0;
  for (u32 q0 = k0; q0 < SEQ; q0 += 64, stage ^= 1) {
    wait_for<0>();
    __syncthreads();
    if (q0 + 64 < SEQ) load(q0 + 64, stage ^ 1);
    const T* queries = memory + stage * (2 * TILE);
    if (q0 == k0) {
      grow_dk_dv<true>(grown_k, grown_v, k, v, queries, logs[stage], deltas[stage], warp);
    } else {
      grow_dk_dv<false>(grown_k, grown_v, k, v, queries, logs[stage], deltas[stage], warp);
    }
  }
#pragma unroll
  for (u32 r = 0; r < 2; ++r) {
    const u32 key = k0 + 16 * warp + 8 * r + threadIdx.x % 32 / 4;
    store_row(dk + place + (u64)key * QUERIES, grown_k, r, SCALE, key < SEQ);
    store_row(dv + place + (u64)key * QUERIES, grown_v, r, 1.0f, key < SEQ);
  }
}
)cuda";

}  // namespace smgate::workload::cuda::kernels
