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
// partial: each block's sum over its rows, for the biases.
constexpr const char* kBackward = R"cuda(
#define GROUP (HEADS / KV_HEADS)
#define PER ((ITEMS + 255) / 256)
__device__ __forceinline__ void group_sum(const T* from, float* a, float* b) {
  a[0] = a[1] = b[0] = b[1] = 0.0f;
  for (u32 g = 0; g < GROUP; ++g) {
    float x[2], y[2];
    load2(from + g * HEAD_DIM, x);
    load2(from + g * HEAD_DIM + HALF, y);
    a[0] += x[0], a[1] += x[1], b[0] += y[0], b[1] += y[1];
  }
}
extern "C" __global__ void __launch_bounds__(256) rope_bwd(T* dqkv, float* partial, const T* dq, const T* dk,
                                                           const T* dv, u32 rows) {
  __shared__ float cosine[HALF], sine[HALF];
  float grown[PER][4];
#pragma unroll
  for (u32 i = 0; i < PER; ++i) {
    for (u32 j = 0; j < 4; ++j) grown[i][j] = 0.0f;
  }
  for (u64 row = blockIdx.x; row < rows; row += gridDim.x) {
    __syncthreads();
    rotations(cosine, sine, (u32)(row % SEQ));
    __syncthreads();
#pragma unroll
    for (u32 i = 0; i < PER; ++i) {
      const u32 item = threadIdx.x + 256 * i;
      if (item >= ITEMS) continue;
      const u32 head = item / (HALF / 2);
      const u32 d = 2 * (item % (HALF / 2));
      const u64 start = row * (HEADS * HEAD_DIM) + d;
      float a[2], b[2];
      if (head < HEADS) {
        load2(dq + start + head * HEAD_DIM, a);
        load2(dq + start + head * HEAD_DIM + HALF, b);
      } else if (head < HEADS + KV_HEADS) {
        group_sum(dk + start + (head - HEADS) * GROUP * HEAD_DIM, a, b);
      } else {
        group_sum(dv + start + (head - HEADS - KV_HEADS) * GROUP * HEAD_DIM, a, b);
      }
      if (item < ROTATED) {
        for (u32 j = 0; j < 2; ++j) {
          const float x = a[j];
          a[j] = x * cosine[d + j] + b[j] * sine[d + j];
          b[j] = b[j] * cosine[d + j] - x * sine[d + j];
        }
      }
      T* at = dqkv + row * WIDTH + head * HEAD_DIM + d;
      store2(at, a);
      store2(at + HALF, b);
      grown[i][0] += a[0], grown[i][1] += a[1], grown[i][2] += b[0], grown[i][3] += b[1];
    }
  }
#pragma unroll
  for (u32 i = 0; i < PER; ++i) {
    const u32 item = threadIdx.x + 256 * i;
    if (item >= ITEMS) continue;
    float* at = partial + (u64)blockIdx.x * WIDTH + item / (HALF / 2) * HEAD_DIM + 2 * (item % (HALF / 2));
    at[0] = grown[i][0], at[1] = grown[i][1], at[HALF] = grown[i][2], at[HALF + 1] = grown[i][3];
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
