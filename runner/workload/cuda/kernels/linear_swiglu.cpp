// A layer's gate and up projections with SwiGLU (Shazeer, 2020) behind them, in one kernel for Hopper: mlp = silu(x
// gate^T) * (x up^T). Neither projection goes through memory unless a backward pass reads it. Results are those of the
// library's product and swiglu_fwd, bit for bit: products are summed in the same order and rounded to bf16 before
// SwiGLU.
//
// After "Hopper" sections of the PTX documentation (wgmma, cp.async.bulk.tensor, mbarrier, stmatrix). Two blocks of a
// cluster own 128 rows each of the same 128 gate and 128 up columns. In each, one thread has tiles copied into a ring
// of stages: its own rows' tile, and half of the weights' tile for both blocks. Two warpgroups multiply, 64 rows each,
// and leave their products, rounded, in shared memory; three warps make SwiGLU of them while the next tile is
// multiplied. Blocks stay and take one tile after another, those next to each other at a time, so that they share what
// the L2 cache holds.
#include "runner/workload/cuda/kernels/text.hpp"

namespace smgate::workload::cuda::kernels {

namespace {

constexpr const char* kHopper = R"cuda(
#define STEP 64
#define STAGES 3
#define X_BYTES (128 * STEP * 2)
#define STAGE_BYTES (3 * X_BYTES)
#define STEPS ((HIDDEN + STEP - 1) / STEP)
#define COLUMN_TILES ((INTERMEDIATE + 127) / 128)
#define BAND 8
#define OUT_BYTES (128 * 64 * 2)
#define FINISHERS 96
struct __align__(64) TensorMap {
  u64 opaque[16];
};
__device__ __forceinline__ void barrier_init(u32 barrier, u32 arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals));
}
__device__ __forceinline__ void barrier_wait(u32 barrier, u32 parity) {
  asm volatile(
      "{\n.reg .pred done;\nAGAIN:\nmbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n@done bra DONE;\n"
      "bra AGAIN;\nDONE:\n}" ::"r"(barrier),
      "r"(parity)
      : "memory");
}
__device__ __forceinline__ void barrier_expect(u32 barrier, u32 bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes) : "memory");
}
// At the same barrier of a block of the cluster. Only reads by the tensor cores came before, so nothing is released.
__device__ __forceinline__ void barrier_arrive_at(u32 barrier, u32 block) {
  asm volatile(
      "{\n.reg .b32 there;\nmapa.shared::cluster.u32 there, %0, %1;\n"
      "mbarrier.arrive.shared::cluster.b64 _, [there];\n}" ::"r"(barrier),
      "r"(block)
      : "memory");
}
__device__ __forceinline__ void cluster_sync() {
  asm volatile("barrier.cluster.arrive.release.aligned;\nbarrier.cluster.wait.acquire.aligned;" ::: "memory");
}
// 128 rows of STEP columns, swizzled by 128 bytes.
__device__ __forceinline__ void copy_tile(u32 to, const TensorMap* map, u32 column, u32 row, u32 barrier) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4}], [%2];" ::"r"(to),
      "l"(map), "r"(barrier), "r"(column), "r"(row)
      : "memory");
}
__device__ __forceinline__ void copy_tile_to_both(u32 to, const TensorMap* map, u32 column, u32 row, u32 barrier) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster "
      "[%0], [%1, {%4, %5}], [%2], %3;" ::"r"(to),
      "l"(map), "r"(barrier), "h"((unsigned short)3), "r"(column), "r"(row)
      : "memory");
}
// A tile's matrix descriptor: groups of eight rows of 128 bytes, 1,024 bytes apart, swizzled by 128 bytes.
__device__ __forceinline__ u64 tile_descriptor(u32 address) {
  return (u64)((address & 0x3ffffu) >> 4) | 1ull << 16 | 64ull << 32 | 1ull << 62;
}
#define ACC4(i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3])
#define ACC16(i) ACC4(i), ACC4(i + 4), ACC4(i + 8), ACC4(i + 12)
#define ACC64(i) ACC16(i), ACC16(i + 16), ACC16(i + 32), ACC16(i + 48)
// d[64 x 256] (+)= a[64 x 16] b[256 x 16]^T, for a warpgroup. Of group j of eight columns, lane 4 g + t of warp w holds
// in d[4 j]: {(16 w + g, 2 t), (16 w + g, 2 t + 1), (16 w + g + 8, 2 t), (16 w + g + 8, 2 t + 1)}.
__device__ __forceinline__ void multiply(float* d, u64 a, u64 b, u32 adds) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %130, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16 {"
      "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,"
      "%30,%31,%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,%48,%49,%50,%51,%52,%53,%54,%55,%56,"
      "%57,%58,%59,%60,%61,%62,%63,%64,%65,%66,%67,%68,%69,%70,%71,%72,%73,%74,%75,%76,%77,%78,%79,%80,%81,%82,%83,"
      "%84,%85,%86,%87,%88,%89,%90,%91,%92,%93,%94,%95,%96,%97,%98,%99,%100,%101,%102,%103,%104,%105,%106,%107,%108,"
      "%109,%110,%111,%112,%113,%114,%115,%116,%117,%118,%119,%120,%121,%122,%123,%124,%125,%126,%127"
      "}, %128, %129, p, 1, 1, 0, 0;\n}"
      : ACC64(0), ACC64(64)
      : "l"(a), "l"(b), "r"(adds));
}
struct Place {
  u32 row, column;  // of a cluster's 256 rows, and of its 128 columns
};
__device__ __forceinline__ Place place_of(u32 tile, u32 row_tiles) {
  const u32 band = tile / (BAND * COLUMN_TILES), rest = tile % (BAND * COLUMN_TILES);
  const u32 band_rows = min(BAND, row_tiles - band * BAND);
  return {(band * BAND + rest % band_rows) * 256, rest / band_rows * 128};
}
)cuda";

constexpr const char* kEntry = R"cuda(
// Named barriers of a warpgroup's 64 rows between products and SwiGLU: the products are there; they are read.
__device__ __forceinline__ void rows_arrive(u32 barrier) {
  asm volatile("bar.arrive %0, %1;" ::"r"(barrier), "n"(128 + FINISHERS) : "memory");
}
__device__ __forceinline__ void rows_wait(u32 barrier) {
  asm volatile("bar.sync %0, %1;" ::"r"(barrier), "n"(128 + FINISHERS) : "memory");
}
#define THERE(half) (1 + (half))
#define READ(half) (3 + (half))
// Of the products' 128 rows: gate's 128 columns, then up's, in blocks of 64 columns, swizzled by 128 bytes.
__device__ __forceinline__ u32 out_place(u32 out, u32 row, u32 chunk) {
  return out + chunk / 8 * OUT_BYTES + row * 128 + ((chunk % 8) ^ (row % 8)) * 16;
}
// A warpgroup's products, rounded.
__device__ __forceinline__ void keep_products(u32 out, const float* d, u32 half) {
  const u32 lane = threadIdx.x % 32;
  const u32 row = half * 64 + threadIdx.x % 128 / 32 * 16 + lane % 16;
#pragma unroll
  for (u32 j = 0; j < 32; j += 2) {
    const float* c = d + 4 * j;
    asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(
                     out_place(out, row, j + lane / 16)),
                 "r"(bf16_pair(c[0], c[1])), "r"(bf16_pair(c[2], c[3])), "r"(bf16_pair(c[4], c[5])),
                 "r"(bf16_pair(c[6], c[7]))
                 : "memory");
  }
}
__device__ __forceinline__ uint4 load_shared(u32 address) {
  uint4 v;
  asm volatile("ld.shared.v4.b32 {%0, %1, %2, %3}, [%4];"
               : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
               : "r"(address)
               : "memory");
  return v;
}
__device__ __forceinline__ u32 swiglu_pair(u32 gate, u32 up) {
  return bf16_pair(silu(bf16_low(gate)) * bf16_low(up), silu(bf16_high(gate)) * bf16_high(up));
}
// SwiGLU of a warpgroup's rows, eight columns a thread at a time.
__device__ __forceinline__ void finish_rows(u32 out, T* mlp, T* gate_up, Place place, u32 half, u32 rows) {
#pragma unroll 2
  for (u32 item = threadIdx.x - 32; item < 64 * 16; item += FINISHERS) {
    const u32 row = half * 64 + item / 16, chunk = item % 16, column = place.column + 8 * chunk;
    const u64 at = place.row + row;
    const uint4 gate = load_shared(out_place(out, row, chunk)), up = load_shared(out_place(out, row, 16 + chunk));
    if (at >= rows || column >= INTERMEDIATE) continue;
    *(uint4*)(mlp + at * INTERMEDIATE + column) = make_uint4(swiglu_pair(gate.x, up.x), swiglu_pair(gate.y, up.y),
                                                             swiglu_pair(gate.z, up.z), swiglu_pair(gate.w, up.w));
#if KEEPS
    *(uint4*)(gate_up + at * (2 * INTERMEDIATE) + column) = gate;
    *(uint4*)(gate_up + at * (2 * INTERMEDIATE) + INTERMEDIATE + column) = up;
#endif
  }
}
// Stages of tiles, each full or empty, as the barriers of both blocks tell.
struct Ring {
  u32 tiles, full, empty;
  u32 stage = 0, parity = 0;
  __device__ __forceinline__ u32 at() const { return tiles + stage * STAGE_BYTES; }
  __device__ __forceinline__ void next() {
    if (++stage == STAGES) stage = 0, parity ^= 1;
  }
};
// By one thread.
__device__ __forceinline__ void copy_tiles(Ring& ring, const TensorMap* x, const TensorMap* w, Place place, u32 rank) {
  for (u32 k = 0; k < STEPS; ++k) {
    const u32 to = ring.at(), barrier = ring.full + 8 * ring.stage;
    barrier_wait(ring.empty + 8 * ring.stage, ring.parity ^ 1);
    barrier_expect(barrier, STAGE_BYTES);
    copy_tile(to, x, k * STEP, place.row + rank * 128, barrier);
    copy_tile_to_both(to + (1 + rank) * X_BYTES, w, k * STEP, place.column + rank * INTERMEDIATE, barrier);
    ring.next();
  }
}
// By a warpgroup.
__device__ __forceinline__ void multiply_tiles(Ring& ring, float* d, u32 half) {
  const u32 thread = threadIdx.x % 128;
  u32 before = 0;
  for (u32 k = 0; k < STEPS; ++k) {
    barrier_wait(ring.full + 8 * ring.stage, ring.parity);
    const u64 a = tile_descriptor(ring.at() + half * (X_BYTES / 2)), b = tile_descriptor(ring.at() + X_BYTES);
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#pragma unroll
    for (u32 i = 0; i < STEP / 16; ++i) multiply(d, a + 2 * i, b + 2 * i, k + i > 0);
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
    // The step before is done with its stage; this one goes on beside the next.
    asm volatile("wgmma.wait_group.sync.aligned 1;" ::: "memory");
    if (k > 0 && thread < 2) barrier_arrive_at(ring.empty + 8 * before, thread);
    before = ring.stage;
    ring.next();
  }
  asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
  if (thread < 2) barrier_arrive_at(ring.empty + 8 * before, thread);
}
extern "C" __global__ void __launch_bounds__(384, 1) __cluster_dims__(2, 1, 1)
    linear_swiglu(T* mlp, T* gate_up, const __grid_constant__ TensorMap x, const __grid_constant__ TensorMap w, u32 rows) {
  extern __shared__ unsigned char memory[];
  __shared__ __align__(8) u64 barriers[2 * STAGES];
  const u32 full = shared_address(barriers), rank = blockIdx.x % 2;
  Ring ring = {(shared_address(memory) + 1023u) & ~1023u, full, full + 8 * STAGES};  // the swizzle goes by address
  const u32 out = ring.tiles + STAGES * STAGE_BYTES;
  if (threadIdx.x == 0) {
    for (u32 i = 0; i < STAGES; ++i) barrier_init(full + 8 * i, 1), barrier_init(ring.empty + 8 * i, 4);
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  cluster_sync();
  const u32 row_tiles = (rows + 255) / 256, tiles = row_tiles * COLUMN_TILES;
  const u32 first = blockIdx.x / 2, step = gridDim.x / 2;
  if (threadIdx.x < 128) {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 88;");
    for (u32 tile = first; threadIdx.x == 0 && tile < tiles; tile += step) {
      copy_tiles(ring, &x, &w, place_of(tile, row_tiles), rank);
    }
    for (u32 tile = first; threadIdx.x >= 32 && tile < tiles; tile += step) {
      Place place = place_of(tile, row_tiles);
      place.row += rank * 128;
      for (u32 half = 0; half < 2; ++half) {
        rows_wait(THERE(half));
        finish_rows(out, mlp, gate_up, place, half, rows);
        if (tile + step < tiles) rows_arrive(READ(half));
      }
    }
  } else {
    asm volatile("setmaxnreg.inc.sync.aligned.u32 208;");
    const u32 half = threadIdx.x / 128 - 1;
    float d[128];
    for (u32 tile = first; tile < tiles; tile += step) {
      multiply_tiles(ring, d, half);
      if (tile > first) rows_wait(READ(half));
      keep_products(out, d, half);
      rows_arrive(THERE(half));
    }
  }
  cluster_sync();  // no block leaves while the other still writes to it
}
)cuda";

}  // namespace

// Rows of whole eights: the copy engine and the stores go by 16 bytes.
bool has_linear_swiglu(Storage storage, std::string_view target, std::uint32_t hidden, std::uint32_t intermediate) {
  return storage == Storage::kBf16 && target == "sm_90" && hidden % 8 == 0 && intermediate % 8 == 0;
}

Kernel linear_swiglu(std::uint32_t hidden, std::uint32_t intermediate, bool keeps) {
  static const Text text("linear_swiglu", std::string(kHopper) + kEntry, true);
  return {join_key(keeps ? "linear_swiglu_keeps_bf16" : "linear_swiglu_bf16", {hidden, intermediate}),
          Body(text.definition(), {storage_param(Storage::kBf16), uint_param("hidden", hidden),
                                   uint_param("intermediate", intermediate), uint_param("keeps", keeps ? 1 : 0)})};
}

}  // namespace smgate::workload::cuda::kernels
