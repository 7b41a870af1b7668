// Causal attention with grouped keys and values, never holding the scores (Dao et al., 2022), on the tensor cores'
// 16x8x16 bf16 products, which sm_80 and everything since has. A block of four warps owns 64 queries (forward, dq) or
// 64 keys (dk, dv) of one head; each warp owns 16 of them. dk and dv are left one a query head; rope_bwd adds a
// group's. Deterministic: no atomics. Shared memory: at most 38 KB a block.
#include "runner/workload/cuda/kernels/attention.hpp"

#include "runner/workload/cuda/kernels/text.hpp"

namespace smgate::workload::cuda::kernels {

namespace {

// Fragments of mma.m16n8k16, lane = 4 g + t. A (16x16): {(g, 2t), (g+8, 2t), (g, 2t+8), (g+8, 2t+8)}, two neighbours in
// a row each. B (16x8): {(2t, g), (2t+8, g)}, two neighbours in a column each. C (16x8): {(g, 2t), (g, 2t+1), (g+8,
// 2t), (g+8, 2t+1)}. So two C fragments side by side are an A fragment. Tiles are padded by 16 bytes a row, so that the
// eight rows that are read together lie in banks of their own. Tiles come by asynchronous copies while the one before
// is worked on. Of a tile on the diagonal a warp leaves out the 16-key groups that none of its queries sees.
constexpr const char* kShared = R"cuda(
#define DIM ((HEAD_DIM + 15) / 16 * 16)
#define PITCH (DIM + 8)
#define TILE (64 * PITCH)
#define STAGES (DIM <= 64 ? 2 : 1)
#define WIDTH ((HEADS + 2 * KV_HEADS) * HEAD_DIM)
#define QUERIES (HEADS * HEAD_DIM)
#define GROUP (HEADS / KV_HEADS)
#define SCALE (1.0f / sqrtf((float)HEAD_DIM))
__device__ __forceinline__ void mma(float* c, const u32* a, u32 b0, u32 b1) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
__device__ __forceinline__ void commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
// Until all but the newest `pending` commits are there, for this thread.
template <int pending>
__device__ __forceinline__ void wait_for() {
  asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
}
// 64 rows from global memory; rows from `valid` on and columns beyond the head are zero.
__device__ __forceinline__ void load_tile(T* tile, const T* from, u64 stride, u32 valid) {
#if HEAD_DIM % 8 == 0
  for (u32 i = threadIdx.x; i < 64 * DIM / 8; i += 128) {
    const u32 row = i / (DIM / 8);
    const u32 column = i % (DIM / 8) * 8;
    const bool there = row < valid && column < HEAD_DIM;
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(tile + row * PITCH + column)),
                 "l"(there ? from + row * stride + column : from), "r"(there ? 16 : 0)
                 : "memory");
  }
#else
  for (u32 i = threadIdx.x; i < 64 * DIM; i += 128) {
    const u32 row = i / DIM;
    const u32 column = i % DIM;
    tile[row * PITCH + column] = row < valid && column < HEAD_DIM ? from[row * stride + column] : (T)0;
  }
#endif
}
__device__ __forceinline__ void load_float(float* to, const float* from, bool there) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(shared_address(to)), "l"(from), "r"(there ? 4 : 0)
               : "memory");
}
// Four 8x8 matrices, each row's address from one lane.
__device__ __forceinline__ void matrices(u32* to, u32 address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(address)
               : "memory");
}
__device__ __forceinline__ void matrices_transposed(u32* to, u32 address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(address)
               : "memory");
}
// A from 16 rows of a tile, all columns.
__device__ __forceinline__ void load_a(u32 (*a)[4], const T* rows) {
  const u32 lane = threadIdx.x % 32;
  const u32 base = shared_address(rows + lane % 16 * PITCH + lane / 16 * 8);
#pragma unroll
  for (u32 k = 0; k < DIM / 16; ++k) matrices(a[k], base + 32 * k);
}
// c[2][16 x 8] += A B^T over the head, B 16 rows of a tile.
__device__ __forceinline__ void mma_rows(float (*c)[4], const u32 (*a)[4], const T* rows) {
  const u32 lane = threadIdx.x % 32;
  const u32 base = shared_address(rows + (lane / 16 * 8 + lane % 8) * PITCH + lane / 8 % 2 * 8);
#pragma unroll
  for (u32 k = 0; k < DIM / 16; ++k) {
    u32 b[4];
    matrices(b, base + 32 * k);
    mma(c[0], a[k], b[0], b[1]);
    mma(c[1], a[k], b[2], b[3]);
  }
}
// c[16 x DIM] += A B, A[16 x 16] the two C fragments `weights`, B 16 rows of a tile.
__device__ __forceinline__ void mma_columns(float (*c)[4], const float (*weights)[4], const T* rows) {
  const u32 lane = threadIdx.x % 32;
  const u32 base = shared_address(rows + lane % 16 * PITCH + lane / 16 * 8);
  const u32 a[4] = {bf16_pair(weights[0][0], weights[0][1]), bf16_pair(weights[0][2], weights[0][3]),
                    bf16_pair(weights[1][0], weights[1][1]), bf16_pair(weights[1][2], weights[1][3])};
#pragma unroll
  for (u32 n = 0; n < DIM / 8; n += 2) {
    u32 b[4];
    matrices_transposed(b, base + 16 * n);
    mma(c[n], a, b[0], b[1]);
    mma(c[n + 1], a, b[2], b[3]);
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

// Blocks with the most keys come first.
constexpr const char* kForward = R"cuda(
extern "C" __global__ void __launch_bounds__(128) attention_fwd(T* out, float* lse, const T* qkv) {
  __shared__ __align__(16) T keys[TILE];
  __shared__ __align__(16) T values[TILE];
  const u32 q0 = (gridDim.x - 1 - blockIdx.x) * 64, head = blockIdx.y, batch = blockIdx.z;
  const u32 warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
  const T* start = qkv + (u64)batch * SEQ * WIDTH;
  const T* k_start = start + (HEADS + head / GROUP) * HEAD_DIM;
  load_tile(values, start + (u64)q0 * WIDTH + head * HEAD_DIM, WIDTH, SEQ - q0);
  load_tile(keys, k_start, WIDTH, SEQ);
  commit();
  wait_for<0>();
  __syncthreads();
  u32 q[DIM / 16][4];
  load_a(q, values + 16 * warp * PITCH);
  float o[DIM / 8][4];
#pragma unroll
  for (u32 n = 0; n < DIM / 8; ++n) o[n][0] = o[n][1] = o[n][2] = o[n][3] = 0.0f;
  float high[2] = {-1e30f, -1e30f}, sum[2] = {0.0f, 0.0f};
  const float scale = SCALE * LOG2E;
  for (u32 k0 = 0; k0 <= q0; k0 += 64) {
    const bool diagonal = k0 == q0;
    const u32 last = diagonal ? warp : 3;
    wait_for<0>();
    __syncthreads();
    load_tile(values, k_start + KV_HEADS * HEAD_DIM + (u64)k0 * WIDTH, WIDTH, SEQ - k0);
    commit();
    float s[8][4];
    float tile_high[2] = {-1e30f, -1e30f};
#pragma unroll
    for (u32 k = 0; k < 4; ++k) {
      if (k > last) continue;
#pragma unroll
      for (u32 j = 0; j < 4; ++j) s[2 * k][j] = s[2 * k + 1][j] = 0.0f;
      mma_rows(s + 2 * k, q, keys + 16 * k * PITCH);
      if (diagonal && k == warp) {
#pragma unroll
        for (u32 j = 0; j < 8; ++j) {
          const u32 key = 8 * (j / 4) + 2 * t + j % 2;
          if (key > g + 8 * (j % 4 / 2)) s[2 * k + j / 4][j % 4] = -__int_as_float(0x7f800000);
        }
      }
#pragma unroll
      for (u32 j = 0; j < 8; ++j) tile_high[j % 4 / 2] = fmaxf(tile_high[j % 4 / 2], s[2 * k + j / 4][j % 4]);
    }
    __syncthreads();
    if (!diagonal) load_tile(keys, k_start + (u64)(k0 + 64) * WIDTH, WIDTH, SEQ - k0 - 64);
    commit();
    float shrink[2], shift[2];
#pragma unroll
    for (u32 r = 0; r < 2; ++r) {
      tile_high[r] = fmaxf(tile_high[r], __shfl_xor_sync(0xffffffffu, tile_high[r], 1));
      tile_high[r] = fmaxf(tile_high[r], __shfl_xor_sync(0xffffffffu, tile_high[r], 2));
      const float now = fmaxf(high[r], tile_high[r]);
      shrink[r] = power2((high[r] - now) * scale);
      high[r] = now;
      shift[r] = now * scale;
      sum[r] *= shrink[r];
    }
#pragma unroll
    for (u32 n = 0; n < DIM / 8; ++n) {
      o[n][0] *= shrink[0], o[n][1] *= shrink[0], o[n][2] *= shrink[1], o[n][3] *= shrink[1];
    }
    wait_for<1>();
    __syncthreads();
#pragma unroll
    for (u32 k = 0; k < 4; ++k) {
      if (k > last) continue;
#pragma unroll
      for (u32 j = 0; j < 8; ++j) {
        float& p = s[2 * k + j / 4][j % 4];
        p = power2(p * scale - shift[j % 4 / 2]);
        sum[j % 4 / 2] += p;
      }
      mma_columns(o, s + 2 * k, values + 16 * k * PITCH);
    }
  }
#pragma unroll
  for (u32 r = 0; r < 2; ++r) {
    sum[r] += __shfl_xor_sync(0xffffffffu, sum[r], 1);
    sum[r] += __shfl_xor_sync(0xffffffffu, sum[r], 2);
    const u32 row = q0 + 16 * warp + g + 8 * r;
    if (t == 0 && row < SEQ) lse[((u64)batch * HEADS + head) * SEQ + row] = high[r] * SCALE + logf(sum[r]);
  }
  store_rows(out + (u64)batch * SEQ * QUERIES + head * HEAD_DIM, o, 1.0f / sum[0], 1.0f / sum[1], q0 + 16 * warp, SEQ);
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
  static const Text text("attention_bwd_q", std::string(kShared) + kTiledAttentionBackwardQ);
  static const Text plain("attention_bwd_q", std::string(kPlainAttentionShared) + kPlainAttentionBackwardQ);
  return attention("attention_bwd_q", storage == Storage::kBf16 ? text : plain, storage, shape);
}

Kernel attention_backward_kv(Storage storage, AttentionShape shape) {
  static const Text text("attention_bwd_kv", std::string(kShared) + kTiledAttentionBackwardKv);
  static const Text plain("attention_bwd_kv", std::string(kPlainAttentionShared) + kPlainAttentionBackwardKv);
  return attention("attention_bwd_kv", storage == Storage::kBf16 ? text : plain, storage, shape);
}

}  // namespace smgate::workload::cuda::kernels
