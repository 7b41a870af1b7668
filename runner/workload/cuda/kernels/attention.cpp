// Causal attention with grouped keys and values, never holding the scores (Dao et al., 2022), on the tensor cores'
// 16x8x16 bf16 products, which sm_80 and everything since has. A block of four warps owns 64 rows: of a group's queries
// (forward, dq), which share its keys and values, or 64 keys of one query head (dk, dv); each warp owns 16 of them.
// A row of a group is a query's head: queries one after another, a query's heads side by side, so that a block's warps
// see about as many keys. dk and dv are left one a query head; rope_bwd adds a group's. Deterministic: no atomics.
// Shared memory: at most 87 KB a block; 46 KB with heads of 64.
#include "runner/workload/cuda/kernels/attention.hpp"

#include "runner/workload/cuda/kernels/text.hpp"

namespace smgate::workload::cuda::kernels {

namespace {

// Fragments of mma.m16n8k16, lane = 4 g + t. A (16x16): {(g, 2t), (g+8, 2t), (g, 2t+8), (g+8, 2t+8)}, two neighbours in
// a row each. B (16x8): {(2t, g), (2t+8, g)}, two neighbours in a column each. C (16x8): {(g, 2t), (g, 2t+1), (g+8,
// 2t), (g+8, 2t+1)}. So two C fragments side by side are an A fragment. Tiles are padded by 16 bytes a row, so that the
// eight rows that are read together lie in banks of their own. Tiles come by asynchronous copies while the one before
// is worked on: two stages of two tiles, and one barrier a stage. On the diagonal a warp leaves out what none of its
// queries sees.
constexpr const char* kShared = R"cuda(
#define DIM ((HEAD_DIM + 15) / 16 * 16)
#define PITCH (DIM + 8)
#define TILE (64 * PITCH)
#define WIDTH ((HEADS + 2 * KV_HEADS) * HEAD_DIM)
#define QUERIES (HEADS * HEAD_DIM)
#define GROUP (HEADS / KV_HEADS)
#define ROWS (GROUP * SEQ)
#define SCALE (1.0f / sqrtf((float)HEAD_DIM))
extern __shared__ __align__(16) T memory[];
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
__device__ __forceinline__ void load_eight(T* to, const T* from, bool there) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to)), "l"(from), "r"(there ? 16 : 0)
               : "memory");
}
// 64 rows from row `first` on; rows from `valid` on and columns beyond the head are zero. Of each row of `from`,
// `group` heads side by side are as many rows here.
template <u32 group>
__device__ __forceinline__ void load_rows(T* to, const T* from, u32 stride, u32 first, u32 valid) {
#if HEAD_DIM % 8 == 0
  constexpr u32 across = DIM / 8, step = 128 / across;
  const u32 start = threadIdx.x / across, column = threadIdx.x % across * 8;
  if (128 % across && start >= step) return;
  const T* rows = from + (u64)(first + start) * stride + column;
#pragma unroll
  for (u32 i = 0; i < 64; i += step) {
    if (64 % step && i + start >= 64) continue;
    const u32 row = first + i + start;
    const bool there = ((group == 1 && SEQ % 64 == 0) || row < valid) && (DIM == HEAD_DIM || column < HEAD_DIM);
    const T* at = group == 1 ? rows + (u64)i * stride : from + (row / group * stride + row % group * HEAD_DIM + column);
    load_eight(to + (i + start) * PITCH + column, at, there);
  }
#else
  for (u32 i = threadIdx.x; i < 64 * DIM; i += 128) {
    const u32 row = first + i / DIM;
    const u32 column = i % DIM;
    const T* at = from + (u64)(row / group) * stride + row % group * HEAD_DIM + column;
    to[i / DIM * PITCH + column] = row < valid && column < HEAD_DIM ? *at : (T)0;
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
template <u32 count>
__device__ __forceinline__ void clear(float (*c)[4]) {
#pragma unroll
  for (u32 j = 0; j < 4 * count; ++j) c[j / 4][j % 4] = 0.0f;
}
// The upper or lower row of C fragments times `factor`: neighbouring lanes change parts, so that each writes four
// numbers that lie together.
__device__ __forceinline__ void store_row(T* to, const float (*c)[4], u32 lower, float factor, bool there) {
  const u32 t = threadIdx.x % 4;
  u32 pair[DIM / 8];
#pragma unroll
  for (u32 n = 0; n < DIM / 8; ++n) pair[n] = bf16_pair(c[n][2 * lower] * factor, c[n][2 * lower + 1] * factor);
#if HEAD_DIM % 8 == 0
  u32 other[DIM / 16];
#pragma unroll
  for (u32 n = 0; n < DIM / 8; n += 2) other[n / 2] = __shfl_xor_sync(0xffffffffu, t % 2 ? pair[n] : pair[n + 1], 1);
  const u32 column = t % 2 * 8 + t / 2 * 4;
  if (!there) return;
#pragma unroll
  for (u32 n = 0; n < DIM / 8; n += 2) {
    if (DIM > HEAD_DIM && 8 * n + column >= HEAD_DIM) continue;
    *(uint2*)(to + column + 8 * n) = make_uint2(t % 2 ? other[n / 2] : pair[n], t % 2 ? pair[n + 1] : other[n / 2]);
  }
#else
#pragma unroll
  for (u32 n = 0; n < DIM / 8; ++n) {
    if (there && 8 * n + 2 * t < HEAD_DIM) *(u32*)(to + 8 * n + 2 * t) = pair[n];
  }
#endif
}
// A tile of a head's keys and the values behind them, into the stage whose turn it is.
__device__ __forceinline__ void load_keys(const T* keys, u32 tile) {
  T* to = memory + tile % 2 * (2 * TILE);
  load_rows<1>(to, keys, WIDTH, 64 * tile, SEQ);
  load_rows<1>(to + TILE, keys + KV_HEADS * HEAD_DIM, WIDTH, 64 * tile, SEQ);
  commit();
}
// The warp's number, as one that all its lanes share.
__device__ __forceinline__ u32 warp_number() { return __shfl_sync(0xffffffffu, threadIdx.x / 32, 0); }
// Tiles of keys that 64 rows of a group see.
__device__ __forceinline__ u32 tiles_seen(u32 first) { return (min(first + 64, (u32)ROWS) - 1) / GROUP / 64 + 1; }
)cuda";

// Blocks with the most keys come first.
constexpr const char* kForward = R"cuda(
// 32 keys from k0 on. `masked`: some of the rows may not see some of them. Sums stay relative to an old maximum until
// it is too small by 2^8.
template <bool masked>
__device__ __forceinline__ void attend(float (*o)[4], float* high, float* sum, const u32 (*q)[4], const T* keys, u32 k0,
                                       u32 row) {
  const u32 g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
  const float scale = SCALE * LOG2E;
  float s[4][4], now[2] = {high[0], high[1]};
  clear<4>(s);
  mma_rows(s, q, keys);
  mma_rows(s + 2, q, keys + 16 * PITCH);
  if (masked && k0 + 31 > row / GROUP) {
    const u32 query[2] = {(row + g) / GROUP, (row + g + 8) / GROUP};
#pragma unroll
    for (u32 j = 0; j < 16; ++j) {
      if (k0 + 8 * (j / 4) + 2 * t + j % 2 > query[j % 4 / 2]) s[j / 4][j % 4] = -__int_as_float(0x7f800000);
    }
  }
#pragma unroll
  for (u32 j = 0; j < 16; ++j) now[j % 4 / 2] = fmaxf(now[j % 4 / 2], s[j / 4][j % 4]);
  if (__any_sync(0xffffffffu, fmaxf(now[0] - high[0], now[1] - high[1]) * scale > 8.0f)) {
#pragma unroll
    for (u32 r = 0; r < 2; ++r) {
      now[r] = fmaxf(now[r], __shfl_xor_sync(0xffffffffu, now[r], 1));
      now[r] = fmaxf(now[r], __shfl_xor_sync(0xffffffffu, now[r], 2));
      const float shrink = power2((high[r] - now[r]) * scale);
      high[r] = now[r];
      sum[r] *= shrink;
      if (k0 == 0) continue;
#pragma unroll
      for (u32 n = 0; n < DIM / 8; ++n) o[n][2 * r] *= shrink, o[n][2 * r + 1] *= shrink;
    }
  }
#pragma unroll
  for (u32 j = 0; j < 16; ++j) {
    float& p = s[j / 4][j % 4];
    p = power2(p * scale - high[j % 4 / 2] * scale);
    sum[j % 4 / 2] += p;
  }
  mma_columns(o, s, keys + TILE);
  mma_columns(o, s + 2, keys + TILE + 16 * PITCH);
}
extern "C" __global__ void __launch_bounds__(128, DIM > 64 ? 3 : 4) attention_fwd(T* out, float* lse, const T* qkv) {
  const u32 kv_head = blockIdx.x, batch = blockIdx.y, first = (gridDim.z - 1 - blockIdx.z) * 64;
  const u32 row = first + 16 * warp_number();
  const T* start = qkv + (u64)batch * SEQ * WIDTH;
  const T* k_start = start + (HEADS + kv_head) * HEAD_DIM;
  load_rows<GROUP>(memory + 2 * TILE, start + kv_head * (GROUP * HEAD_DIM), WIDTH, first, ROWS);
  commit();
  load_keys(k_start, 0);
  wait_for<1>();
  __syncthreads();
  u32 q[DIM / 16][4];
  load_a(q, memory + 2 * TILE + (row - first) * PITCH);
  float o[DIM / 8][4], high[2] = {-1e30f, -1e30f}, sum[2] = {0.0f, 0.0f};
  clear<DIM / 8>(o);
  const u32 tiles = tiles_seen(first);
  for (u32 tile = 0; tile < tiles; ++tile) {
    wait_for<0>();
    __syncthreads();
    if (tile + 1 < tiles) load_keys(k_start, tile + 1);
    const T* keys = memory + tile % 2 * (2 * TILE);
#pragma unroll
    for (u32 k = 0; k < 64; k += 32) {
      const u32 k0 = 64 * tile + k;
      if (k0 + 31 <= row / GROUP) {
        attend<false>(o, high, sum, q, keys + k * PITCH, k0, row);
      } else if (k0 <= (row + 15) / GROUP) {
        attend<true>(o, high, sum, q, keys + k * PITCH, k0, row);
      }
    }
  }
#pragma unroll
  for (u32 r = 0; r < 2; ++r) {
    sum[r] += __shfl_xor_sync(0xffffffffu, sum[r], 1);
    sum[r] += __shfl_xor_sync(0xffffffffu, sum[r], 2);
    const u32 at = row + 8 * r + threadIdx.x % 32 / 4, query = at / GROUP, head = kv_head * GROUP + at % GROUP;
    if (threadIdx.x % 4 == 0 && at < ROWS) {
      lse[((u64)batch * HEADS + head) * SEQ + query] = high[r] * SCALE + __logf(sum[r]);
    }
    store_row(out + ((u64)batch * SEQ + query) * QUERIES + head * HEAD_DIM, o, r, __fdividef(1.0f, sum[r]), at < ROWS);
  }
}
)cuda";

Kernel attention(const char* name, const Text& text, Storage storage, AttentionShape shape) {
  return {join_key(stored(name, storage), {shape.heads, shape.kv_heads, shape.head_dim, shape.seq}),
          Body(text.definition(),
               {storage_param(storage), uint_param("heads", shape.heads), uint_param("kv_heads", shape.kv_heads),
                uint_param("head_dim", shape.head_dim), uint_param("seq", shape.seq)})};
}

}  // namespace

std::uint32_t attention_shared_bytes(Storage storage, AttentionShape shape, std::uint32_t tiles) {
  const std::uint32_t pitch = (shape.head_dim + 15) / 16 * 16 + 8;
  return storage == Storage::kBf16 ? tiles * kAttentionTile * pitch * 2 : 0;
}

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
