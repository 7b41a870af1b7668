// Causal attention with grouped keys and values, never holding the scores (Dao et al., 2022), on the tensor cores'
// 16x8x16 bf16 products, which sm_80 and everything since has. A block of four warps owns 64 queries (forward, dq) or
// 64 keys (dk, dv) of one head; each warp owns 16 of them. dk and dv are left one a query head; rope_bwd adds a
// group's. Deterministic: no atomics. Shared memory: at most 35 KB a block.
#include "runner/workload/cuda/kernels/attention.hpp"

#include "runner/workload/cuda/kernels/text.hpp"

namespace smgate::workload::cuda::kernels {

namespace {

// Fragments of mma.m16n8k16, lane = 4 g + t. A (16x16): {(g, 2t), (g+8, 2t), (g, 2t+8), (g+8, 2t+8)}, two neighbours in
// a row each. B (16x8): {(2t, g), (2t+8, g)}, two neighbours in a column each. C (16x8): {(g, 2t), (g, 2t+1), (g+8,
// 2t), (g+8, 2t+1)}. So two C fragments side by side are an A fragment. Tiles are padded by 16 bytes a row, so that the
// eight rows that are read together lie in banks of their own.
constexpr const char* kShared = R"cuda(
#define DIM ((HEAD_DIM + 15) / 16 * 16)
#define PITCH (DIM + 8)
#define WIDTH ((HEADS + 2 * KV_HEADS) * HEAD_DIM)
#define QUERIES (HEADS * HEAD_DIM)
#define GROUP (HEADS / KV_HEADS)
#define LOG2E 1.4426950408889634f
#define SCALE (1.0f / sqrtf((float)HEAD_DIM))
__device__ __forceinline__ void mma(float* c, const u32* a, u32 b0, u32 b1) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
// 64 rows from global memory; rows from `valid` on and columns beyond the head are zero.
__device__ __forceinline__ void load_tile(T* tile, const T* from, u64 stride, u32 valid) {
#if HEAD_DIM % 8 == 0
  for (u32 i = threadIdx.x; i < 64 * DIM / 8; i += 128) {
    const u32 row = i / (DIM / 8);
    const u32 column = i % (DIM / 8) * 8;
    uint4 v = make_uint4(0, 0, 0, 0);
    if (row < valid && column < HEAD_DIM) v = *(const uint4*)(from + row * stride + column);
    *(uint4*)(tile + row * PITCH + column) = v;
  }
#else
  for (u32 i = threadIdx.x; i < 64 * DIM; i += 128) {
    const u32 row = i / DIM;
    const u32 column = i % DIM;
    tile[row * PITCH + column] = row < valid && column < HEAD_DIM ? from[row * stride + column] : (T)0;
  }
#endif
}
// A from 16 rows of a tile, 16 columns from `column`.
__device__ __forceinline__ void load_a(u32* a, const T* rows, u32 column) {
  const u32 g = threadIdx.x % 32 / 4;
  const T* at = rows + g * PITCH + column + 2 * (threadIdx.x % 4);
  a[0] = *(const u32*)at;
  a[1] = *(const u32*)(at + 8 * PITCH);
  a[2] = *(const u32*)(at + 8);
  a[3] = *(const u32*)(at + 8 * PITCH + 8);
}
// c += A B^T over the head, B the 8 rows of a tile from `row`: c[16 x 8].
__device__ __forceinline__ void mma_rows(float* c, const u32 (*a)[4], const T* tile, u32 row) {
  const T* at = tile + (row + threadIdx.x % 32 / 4) * PITCH + 2 * (threadIdx.x % 4);
#pragma unroll
  for (u32 k = 0; k < DIM / 16; ++k) mma(c, a[k], *(const u32*)(at + 16 * k), *(const u32*)(at + 16 * k + 8));
}
// c[16 x DIM] += A B, A[16 x 64] from the C fragments `weights`, B the 64 rows of a tile.
__device__ __forceinline__ void mma_columns(float (*c)[4], const float (*weights)[4], const T* tile) {
  const u32 base = (u32)__cvta_generic_to_shared(tile + (threadIdx.x % 16) * PITCH);
#pragma unroll
  for (u32 k = 0; k < 4; ++k) {
    const u32 a[4] = {bf16_pair(weights[2 * k][0], weights[2 * k][1]), bf16_pair(weights[2 * k][2], weights[2 * k][3]),
                      bf16_pair(weights[2 * k + 1][0], weights[2 * k + 1][1]),
                      bf16_pair(weights[2 * k + 1][2], weights[2 * k + 1][3])};
#pragma unroll
    for (u32 n = 0; n < DIM / 8; ++n) {
      u32 b0, b1;
      asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];"
                   : "=r"(b0), "=r"(b1)
                   : "r"(base + 2 * (16 * k * PITCH + 8 * n)) : "memory");
      mma(c[n], a, b0, b1);
    }
  }
}
__device__ __forceinline__ void store_rows(T* to, const float (*c)[4], float top, float bottom, u32 first, u32 valid) {
  const u32 row = first + threadIdx.x % 32 / 4;
  const u32 t = threadIdx.x % 4;
#pragma unroll
  for (u32 n = 0; n < DIM / 8; ++n) {
    const u32 column = 8 * n + 2 * t;
    if (column >= HEAD_DIM) continue;
    const float upper[2] = {c[n][0] * top, c[n][1] * top};
    const float lower[2] = {c[n][2] * bottom, c[n][3] * bottom};
    if (row < valid) store2(to + (u64)row * QUERIES + column, upper);
    if (row + 8 < valid) store2(to + (u64)(row + 8) * QUERIES + column, lower);
  }
}
)cuda";

constexpr const char* kForward = R"cuda(
extern "C" __global__ void __launch_bounds__(128) attention_fwd(T* out, float* lse, const T* qkv) {
  __shared__ __align__(16) T keys[64 * PITCH];
  __shared__ __align__(16) T values[64 * PITCH];
  const u32 q0 = blockIdx.x * 64, head = blockIdx.y, batch = blockIdx.z;
  const u32 warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
  const T* start = qkv + (u64)batch * SEQ * WIDTH;
  const T* k_start = start + (HEADS + head / GROUP) * HEAD_DIM;
  load_tile(keys, start + (u64)q0 * WIDTH + head * HEAD_DIM, WIDTH, SEQ - q0);
  __syncthreads();
  u32 q[DIM / 16][4];
#pragma unroll
  for (u32 k = 0; k < DIM / 16; ++k) load_a(q[k], keys + 16 * warp * PITCH, 16 * k);
  float o[DIM / 8][4];
#pragma unroll
  for (u32 n = 0; n < DIM / 8; ++n) o[n][0] = o[n][1] = o[n][2] = o[n][3] = 0.0f;
  float high[2] = {-1e30f, -1e30f}, sum[2] = {0.0f, 0.0f};
  const float scale = SCALE * LOG2E;
  for (u32 k0 = 0; k0 < SEQ && k0 <= q0; k0 += 64) {
    __syncthreads();
    load_tile(keys, k_start + (u64)k0 * WIDTH, WIDTH, SEQ - k0);
    load_tile(values, k_start + KV_HEADS * HEAD_DIM + (u64)k0 * WIDTH, WIDTH, SEQ - k0);
    __syncthreads();
    float s[8][4];
    float tile_high[2] = {-1e30f, -1e30f};
#pragma unroll
    for (u32 n = 0; n < 8; ++n) {
      s[n][0] = s[n][1] = s[n][2] = s[n][3] = 0.0f;
      mma_rows(s[n], q, keys, 8 * n);
#pragma unroll
      for (u32 j = 0; j < 4; ++j) {
        const u32 key = k0 + 8 * n + 2 * t + (j & 1);
        const u32 query = q0 + 16 * warp + g + 8 * (j >> 1);
        s[n][j] = key <= query && key < SEQ ? s[n][j] * scale : -__int_as_float(0x7f800000);
        tile_high[j >> 1] = fmaxf(tile_high[j >> 1], s[n][j]);
      }
    }
    float shrink[2];
#pragma unroll
    for (u32 r = 0; r < 2; ++r) {
      tile_high[r] = fmaxf(tile_high[r], __shfl_xor_sync(0xffffffffu, tile_high[r], 1));
      tile_high[r] = fmaxf(tile_high[r], __shfl_xor_sync(0xffffffffu, tile_high[r], 2));
      const float now = fmaxf(high[r], tile_high[r]);
      shrink[r] = exp2f(high[r] - now);
      high[r] = now;
      sum[r] *= shrink[r];
    }
#pragma unroll
    for (u32 n = 0; n < 8; ++n) {
#pragma unroll
      for (u32 j = 0; j < 4; ++j) {
        s[n][j] = exp2f(s[n][j] - high[j >> 1]);
        sum[j >> 1] += s[n][j];
      }
    }
#pragma unroll
    for (u32 n = 0; n < DIM / 8; ++n) {
      o[n][0] *= shrink[0], o[n][1] *= shrink[0], o[n][2] *= shrink[1], o[n][3] *= shrink[1];
    }
    mma_columns(o, s, values);
  }
#pragma unroll
  for (u32 r = 0; r < 2; ++r) {
    sum[r] += __shfl_xor_sync(0xffffffffu, sum[r], 1);
    sum[r] += __shfl_xor_sync(0xffffffffu, sum[r], 2);
    const u32 row = q0 + 16 * warp + g + 8 * r;
    if (t == 0 && row < SEQ) lse[((u64)batch * HEADS + head) * SEQ + row] = high[r] / LOG2E + logf(sum[r]);
  }
  store_rows(out + (u64)batch * SEQ * QUERIES + head * HEAD_DIM, o, 1.0f / sum[0], 1.0f / sum[1], q0 + 16 * warp, SEQ);
}
)cuda";

constexpr const char* kBackwardQ = R"cuda(
extern "C" __global__ void __launch_bounds__(128) attention_bwd_q(T* dq, float* delta, const T* dout, const T* out,
                                                                  const float* lse, const T* qkv) {
  __shared__ __align__(16) T keys[64 * PITCH];
  __shared__ __align__(16) T values[64 * PITCH];
  const u32 q0 = blockIdx.x * 64, head = blockIdx.y, batch = blockIdx.z;
  const u32 warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
  const T* start = qkv + (u64)batch * SEQ * WIDTH;
  const T* k_start = start + (HEADS + head / GROUP) * HEAD_DIM;
  const u64 place = ((u64)batch * SEQ + q0) * QUERIES + head * HEAD_DIM;
  u32 q[DIM / 16][4], d[DIM / 16][4];
  load_tile(keys, start + (u64)q0 * WIDTH + head * HEAD_DIM, WIDTH, SEQ - q0);
  load_tile(values, dout + place, QUERIES, SEQ - q0);
  __syncthreads();
#pragma unroll
  for (u32 k = 0; k < DIM / 16; ++k) {
    load_a(q[k], keys + 16 * warp * PITCH, 16 * k);
    load_a(d[k], values + 16 * warp * PITCH, 16 * k);
  }
  __syncthreads();
  load_tile(keys, out + place, QUERIES, SEQ - q0);
  __syncthreads();
  float dot[2] = {0.0f, 0.0f}, logs[2];
#pragma unroll
  for (u32 k = 0; k < DIM / 16; ++k) {
    u32 o[4];
    load_a(o, keys + 16 * warp * PITCH, 16 * k);
#pragma unroll
    for (u32 j = 0; j < 4; ++j) {
      dot[j & 1] += bf16_low(o[j]) * bf16_low(d[k][j]) + bf16_high(o[j]) * bf16_high(d[k][j]);
    }
  }
#pragma unroll
  for (u32 r = 0; r < 2; ++r) {
    dot[r] += __shfl_xor_sync(0xffffffffu, dot[r], 1);
    dot[r] += __shfl_xor_sync(0xffffffffu, dot[r], 2);
    const u32 row = q0 + 16 * warp + g + 8 * r;
    const u64 at = ((u64)batch * HEADS + head) * SEQ + row;
    logs[r] = row < SEQ ? lse[at] * LOG2E : 0.0f;
    if (t == 0 && row < SEQ) delta[at] = dot[r];
  }
  float grown[DIM / 8][4];
#pragma unroll
  for (u32 n = 0; n < DIM / 8; ++n) grown[n][0] = grown[n][1] = grown[n][2] = grown[n][3] = 0.0f;
  const float scale = SCALE;
  for (u32 k0 = 0; k0 < SEQ && k0 <= q0; k0 += 64) {
    __syncthreads();
    load_tile(keys, k_start + (u64)k0 * WIDTH, WIDTH, SEQ - k0);
    load_tile(values, k_start + KV_HEADS * HEAD_DIM + (u64)k0 * WIDTH, WIDTH, SEQ - k0);
    __syncthreads();
    float s[8][4];
#pragma unroll
    for (u32 n = 0; n < 8; ++n) {
      float dp[4] = {0.0f, 0.0f, 0.0f, 0.0f};
      s[n][0] = s[n][1] = s[n][2] = s[n][3] = 0.0f;
      mma_rows(s[n], q, keys, 8 * n);
      mma_rows(dp, d, values, 8 * n);
#pragma unroll
      for (u32 j = 0; j < 4; ++j) {
        const u32 key = k0 + 8 * n + 2 * t + (j & 1);
        const u32 query = q0 + 16 * warp + g + 8 * (j >> 1);
        const bool seen = key <= query && query < SEQ;
        const float p = seen ? exp2f(s[n][j] * (scale * LOG2E) - logs[j >> 1]) : 0.0f;
        s[n][j] = p * (dp[j] - dot[j >> 1]) * scale;
      }
    }
    mma_columns(grown, s, keys);
  }
  store_rows(dq + (u64)batch * SEQ * QUERIES + head * HEAD_DIM, grown, 1.0f, 1.0f, q0 + 16 * warp, SEQ);
}
)cuda";

// Scores are made transposed, keys as rows, so that they are at once what dk and dv need as their left side.
constexpr const char* kBackwardKv = R"cuda(
extern "C" __global__ void __launch_bounds__(128) attention_bwd_kv(T* dk, T* dv, const T* dout, const float* lse,
                                                                   const float* delta, const T* qkv) {
  __shared__ __align__(16) T queries[64 * PITCH];
  __shared__ __align__(16) T douts[64 * PITCH];
  __shared__ float logs[64], deltas[64];
  const u32 k0 = blockIdx.x * 64, head = blockIdx.y, batch = blockIdx.z;
  const u32 warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
  const T* start = qkv + (u64)batch * SEQ * WIDTH;
  const T* k_start = start + (u64)k0 * WIDTH + (HEADS + head / GROUP) * HEAD_DIM;
  u32 k[DIM / 16][4], v[DIM / 16][4];
  load_tile(queries, k_start, WIDTH, SEQ - k0);
  load_tile(douts, k_start + KV_HEADS * HEAD_DIM, WIDTH, SEQ - k0);
  __syncthreads();
#pragma unroll
  for (u32 i = 0; i < DIM / 16; ++i) {
    load_a(k[i], queries + 16 * warp * PITCH, 16 * i);
    load_a(v[i], douts + 16 * warp * PITCH, 16 * i);
  }
  float grown_k[DIM / 8][4], grown_v[DIM / 8][4];
#pragma unroll
  for (u32 n = 0; n < DIM / 8; ++n) {
#pragma unroll
    for (u32 j = 0; j < 4; ++j) grown_k[n][j] = grown_v[n][j] = 0.0f;
  }
  const float scale = SCALE;
  for (u32 q0 = k0; q0 < SEQ; q0 += 64) {
    __syncthreads();
    load_tile(queries, start + (u64)q0 * WIDTH + head * HEAD_DIM, WIDTH, SEQ - q0);
    load_tile(douts, dout + ((u64)batch * SEQ + q0) * QUERIES + head * HEAD_DIM, QUERIES, SEQ - q0);
    if (threadIdx.x < 64) {
      const u32 row = q0 + threadIdx.x;
      const u64 at = ((u64)batch * HEADS + head) * SEQ + row;
      logs[threadIdx.x] = row < SEQ ? lse[at] * LOG2E : 0.0f;
      deltas[threadIdx.x] = row < SEQ ? delta[at] : 0.0f;
    }
    __syncthreads();
    float p[8][4], ds[8][4];
#pragma unroll
    for (u32 n = 0; n < 8; ++n) {
#pragma unroll
      for (u32 j = 0; j < 4; ++j) p[n][j] = ds[n][j] = 0.0f;
      mma_rows(p[n], k, queries, 8 * n);
      mma_rows(ds[n], v, douts, 8 * n);
#pragma unroll
      for (u32 j = 0; j < 4; ++j) {
        const u32 column = 8 * n + 2 * t + (j & 1);
        const u32 key = k0 + 16 * warp + g + 8 * (j >> 1);
        const bool seen = key <= q0 + column && q0 + column < SEQ;
        p[n][j] = seen ? exp2f(p[n][j] * (scale * LOG2E) - logs[column]) : 0.0f;
        ds[n][j] = p[n][j] * (ds[n][j] - deltas[column]) * scale;
      }
    }
    mma_columns(grown_v, p, douts);
    mma_columns(grown_k, ds, queries);
  }
  const u64 place = (u64)batch * SEQ * QUERIES + head * HEAD_DIM;
  store_rows(dk + place, grown_k, 1.0f, 1.0f, k0 + 16 * warp, SEQ);
  store_rows(dv + place, grown_v, 1.0f, 1.0f, k0 + 16 * warp, SEQ);
}
)cuda";

Kernel attention(const char* name, const Text& text, Storage storage, AttentionShape shape) {
  return {join_key(stored(name, storage), {shape.heads, shape.kv_heads, shape.head_dim, shape.seq}),
          Body(text.definition(),
               {storage_param(storage), uint_param("heads", shape.heads), uint_param("kv_heads", shape.kv_heads),
                uint_param("head_dim", shape.head_dim), uint_param("seq", shape.seq)})};
}

}  // namespace

Kernel attention_forward(Storage storage, AttentionShape shape) {
  static const Text text("attention_fwd", std::string(kShared) + kForward);
  static const Text plain("attention_fwd", std::string(kPlainAttentionShared) + kPlainAttentionForward);
  return attention("attention_fwd", storage == Storage::kBf16 ? text : plain, storage, shape);
}

Kernel attention_backward_q(Storage storage, AttentionShape shape) {
  static const Text text("attention_bwd_q", std::string(kShared) + kBackwardQ);
  static const Text plain("attention_bwd_q", std::string(kPlainAttentionShared) + kPlainAttentionBackwardQ);
  return attention("attention_bwd_q", storage == Storage::kBf16 ? text : plain, storage, shape);
}

Kernel attention_backward_kv(Storage storage, AttentionShape shape) {
  static const Text text("attention_bwd_kv", std::string(kShared) + kBackwardKv);
  static const Text plain("attention_bwd_kv", std::string(kPlainAttentionShared) + kPlainAttentionBackwardKv);
  return attention("attention_bwd_kv", storage == Storage::kBf16 ? text : plain, storage, shape);
}

}  // namespace smgate::workload::cuda::kernels
