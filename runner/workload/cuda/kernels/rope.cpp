// Biases and rotary positions (Su et al., 2021) of the fused query, key and value projection. Row: HEADS queries,
// KV_HEADS keys, KV_HEADS values, HEAD_DIM each; position = row modulo SEQ. The halves of a head rotate together.
#include "runner/workload/cuda/kernels/text.hpp"

namespace smgate::workload::cuda::kernels {

namespace {

// An item is two columns of a head's first half and the two that rotate with them, or four columns of a value.
constexpr const char* kShared = R"cuda(
#define HALF (HEAD_DIM / 2)
#define WIDTH ((HEADS + 2 * KV_HEADS) * HEAD_DIM)
#define ROTATED ((HEADS + KV_HEADS) * (HALF / 2))
#define ITEMS (ROTATED + KV_HEADS * (HALF / 2))
__device__ __forceinline__ void rotations(float* cosine, float* sine, u32 position) {
  for (u32 i = threadIdx.x; i < HALF; i += blockDim.x) {
    const float angle = (float)position * powf(THETA, -(float)(2 * i) / (float)HEAD_DIM);
    sincosf(angle, sine + i, cosine + i);
  }
}
)cuda";

constexpr const char* kForward = R"cuda(
extern "C" __global__ void rope_fwd(T* qkv, const float* bias) {
  __shared__ float cosine[HALF], sine[HALF];
  const u64 row = blockIdx.x;
  rotations(cosine, sine, (u32)(row % SEQ));
  __syncthreads();
  for (u32 item = threadIdx.x; item < ITEMS; item += blockDim.x) {
    const u32 d = 2 * (item % (HALF / 2));
    const u32 column = item / (HALF / 2) * HEAD_DIM + d;
    T* at = qkv + row * WIDTH + column;
    float a[2], b[2];
    load2(at, a);
    load2(at + HALF, b);
    for (u32 j = 0; j < 2; ++j) {
      const float x = a[j] + bias[column + j];
      const float y = b[j] + bias[column + HALF + j];
      const bool rotated = item < ROTATED;
      a[j] = rotated ? x * cosine[d + j] - y * sine[d + j] : x;
      b[j] = rotated ? y * cosine[d + j] + x * sine[d + j] : y;
    }
    store2(at, a);
    store2(at + HALF, b);
  }
}
)cuda";

// From the gradients of rotated queries and, for every query head, of its key and value, to those of the projection;
// partial: each block's sum over its rows, for the biases. A block takes queries, or keys and values, of one position
// at a time, so that its rows share their rotations, and as many rows at once as it has threads for; a thread's item,
// VEC columns of a head's half and those that rotate with them, stays the same.
constexpr const char* kBackward = R"cuda(
#define GROUP (HEADS / KV_HEADS)
#if HEAD_DIM % 16 == 0
#define VEC 8
#define LOAD load8
#define STORE store8
#elif HEAD_DIM % 8 == 0
#define VEC 4
#define LOAD load4
#define STORE store4
#else
#define VEC 2
#define LOAD load2
#define STORE store2
#endif
#define HEAD_ITEMS (HALF / VEC)
struct Shared {
  float cosine[HALF], sine[HALF], total[WIDTH];
};
// Adds up `count` neighbouring heads.
template <u32 count>
__device__ __forceinline__ void sum_heads(const T* from, float* a, float* b) {
  LOAD(from, a);
  LOAD(from + HALF, b);
#pragma unroll
  for (u32 g = 1; g < count; ++g) {
    float x[VEC], y[VEC];
    LOAD(from + g * HEAD_DIM, x);
    LOAD(from + g * HEAD_DIM + HALF, y);
#pragma unroll
    for (u32 j = 0; j < VEC; ++j) a[j] += x[j], b[j] += y[j];
  }
}
// `count` heads of the projection from `first` on, each the sum of `group` heads of dq, or of dk and then dv.
template <u32 first, u32 count, u32 group>
__device__ __forceinline__ void rotate_back(Shared& shared, T* dqkv, float* partial, const T* low, const T* high,
                                            u32 rows) {
  constexpr u32 items = count * HEAD_ITEMS, per = (items + 255) / 256, lanes = items < 256 ? 256 / items : 1;
  const u32 lane = items < 256 ? threadIdx.x / items : 0;
  float grown[per][2 * VEC];
#pragma unroll
  for (u32 i = 0; i < per; ++i) {
    for (u32 j = 0; j < 2 * VEC; ++j) grown[i][j] = 0.0f;
  }
  const u32 batch = rows / SEQ;
  for (u32 position = blockIdx.x; position < SEQ; position += gridDim.x) {
    __syncthreads();
    rotations(shared.cosine, shared.sine, position);
    __syncthreads();
#pragma unroll
    for (u32 i = 0; i < per; ++i) {
      const u32 item = threadIdx.x - lane * items + 256 * i;
      if (item >= items || lane >= lanes) continue;
      const u32 head = item / HEAD_ITEMS, d = VEC * (item % HEAD_ITEMS);
      const bool is_value = first == HEADS && head >= KV_HEADS;
      const T* from = (is_value ? high : low) + (is_value ? head - KV_HEADS : head) * group * HEAD_DIM + d;
      float cosine[VEC], sine[VEC];
#pragma unroll
      for (u32 j = 0; j < VEC; ++j) {
        cosine[j] = is_value ? 1.0f : shared.cosine[d + j];
        sine[j] = is_value ? 0.0f : shared.sine[d + j];
      }
#pragma unroll 2
      for (u32 sequence = blockIdx.y * lanes + lane; sequence < batch; sequence += gridDim.y * lanes) {
        const u64 row = (u64)sequence * SEQ + position;
        float a[VEC], b[VEC];
        sum_heads<group>(from + row * (HEADS * HEAD_DIM), a, b);
#pragma unroll
        for (u32 j = 0; j < VEC; ++j) {
          const float x = a[j];
          a[j] = x * cosine[j] + b[j] * sine[j];
          b[j] = b[j] * cosine[j] - x * sine[j];
          grown[i][j] += a[j];
          grown[i][VEC + j] += b[j];
        }
        T* at = dqkv + row * WIDTH + (first + head) * HEAD_DIM + d;
        STORE(at, a);
        STORE(at + HALF, b);
      }
    }
  }
  for (u32 turn = 0; turn < lanes; ++turn) {
    __syncthreads();
    if (lane != turn) continue;
#pragma unroll
    for (u32 i = 0; i < per; ++i) {
      const u32 item = threadIdx.x - lane * items + 256 * i;
      if (item >= items) continue;
      float* at = shared.total + item / HEAD_ITEMS * HEAD_DIM + VEC * (item % HEAD_ITEMS);
#pragma unroll
      for (u32 j = 0; j < VEC; ++j) {
        at[j] = turn == 0 ? grown[i][j] : at[j] + grown[i][j];
        at[HALF + j] = turn == 0 ? grown[i][VEC + j] : at[HALF + j] + grown[i][VEC + j];
      }
    }
  }
  __syncthreads();
  float* to = partial + (u64)(blockIdx.y * gridDim.x + blockIdx.x) * WIDTH + first * HEAD_DIM;
  for (u32 i = threadIdx.x; i < count * HEAD_DIM; i += 256) to[i] = shared.total[i];
}
extern "C" __global__ void __launch_bounds__(256) rope_bwd(T* dqkv, float* partial, const T* dq, const T* dk,
                                                           const T* dv, u32 rows) {
  __shared__ Shared shared;
  if (blockIdx.z == 0) {
    rotate_back<0, HEADS, 1>(shared, dqkv, partial, dq, dq, rows);
  } else {
    rotate_back<HEADS, 2 * KV_HEADS, GROUP>(shared, dqkv, partial, dk, dv, rows);
  }
}
)cuda";

Kernel rope(const Text& text, const char* name, Storage storage, AttentionShape shape, float theta) {
  return {join_key(stored(name, storage), {shape.heads, shape.kv_heads, shape.head_dim, shape.seq}) +
              float_token("th", theta),
          Body(text.definition(),
               {storage_param(storage), uint_param("heads", shape.heads), uint_param("kv_heads", shape.kv_heads),
                uint_param("head_dim", shape.head_dim), uint_param("seq", shape.seq), float_param("theta", theta)})};
}

}  // namespace

Kernel rope_forward(Storage storage, AttentionShape shape, float theta) {
  static const Text text("rope_fwd", std::string(kShared) + kForward);
  return rope(text, "rope_fwd", storage, shape, theta);
}

Kernel rope_backward(Storage storage, AttentionShape shape, float theta) {
  static const Text text("rope_bwd", std::string(kShared) + kBackward);
  return rope(text, "rope_bwd", storage, shape, theta);
}

}  // namespace smgate::workload::cuda::kernels
