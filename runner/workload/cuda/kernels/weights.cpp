// Weights and tokens: seeded numbers, checkpoints' numbers, the embedding and its gradient.
#include "runner/workload/cuda/kernels/text.hpp"

namespace smgate::workload::cuda::kernels {

namespace {

// Element i is deviation * (-6 + twelve uniforms), uniform j from SplitMix64's draw 12 i + j after `state`: bit by bit
// what the host's generator makes, so no operation may be fused. Either destination may be null.
constexpr const char* kSeededNormal = R"cuda(
extern "C" __global__ void seeded_normal(T* copy, float* master, u64 state, float deviation, u64 count) {
  const u64 golden = 0x9e3779b97f4a7c15ull;
  for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += (u64)gridDim.x * blockDim.x) {
    float sum = -6.0f;
    u64 place = state + 12u * i * golden;
#pragma unroll
    for (u32 j = 0; j < 12; ++j) {
      place += golden;
      u64 z = place;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
      z ^= z >> 31;
      sum = __fadd_rn(sum, __fmul_rn((float)(u32)(z >> 40), 1.0f / 16777216.0f));
    }
    const float value = __fmul_rn(deviation, sum);
    if (master != nullptr) master[i] = value;
    if (copy != nullptr) store1(copy + i, value);
  }
}
)cuda";

// dtype: 0 fp32, 1 fp16, 2 bf16. Either destination may be null.
constexpr const char* kConvert = R"cuda(
extern "C" __global__ void convert_weights(T* copy, float* master, const void* source, u32 dtype, u64 count) {
  for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += (u64)gridDim.x * blockDim.x) {
    float value;
    if (dtype == 0) {
      value = ((const float*)source)[i];
    } else if (dtype == 1) {
      const unsigned short half = ((const unsigned short*)source)[i];
      asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(half));
    } else {
      value = bf16_low(((const unsigned short*)source)[i]);
    }
    if (master != nullptr) master[i] = value;
    if (copy != nullptr) store1(copy + i, value);
  }
}
)cuda";

constexpr const char* kEmbedding = R"cuda(
extern "C" __global__ void embedding_fwd(float* stream, const int* tokens, const T* table) {
  const u64 row = blockIdx.x;
  const T* from = table + (u64)tokens[row] * HIDDEN;
  for (u32 i = 4 * threadIdx.x; i < HIDDEN; i += 4 * blockDim.x) {
    float x[4];
    load4(from + i, x);
    store4(stream + row * HIDDEN + i, x);
  }
}
)cuda";

// The block of a token's first row adds all of that token's rows in their order: the same sum in every run, no atomics.
constexpr const char* kEmbeddingBackward = R"cuda(
extern "C" __global__ void embedding_bwd(float* dtable, const int* tokens, const float* dstream, u32 rows) {
  __shared__ u32 matches[256 / 32];
  const u32 row = blockIdx.x;
  const int token = tokens[row];
  int earlier = 0;
  for (u32 i = threadIdx.x; i < row; i += 256) earlier |= tokens[i] == token;
  if (__syncthreads_or(earlier)) return;
  float* to = dtable + (u64)token * HIDDEN;
  for (u32 start = row; start < rows; start += 256) {
    const u32 mine = start + threadIdx.x;
    const u32 found = __ballot_sync(0xffffffffu, mine < rows && tokens[mine] == token);
    if (threadIdx.x % 32 == 0) matches[threadIdx.x / 32] = found;
    __syncthreads();
    for (u32 word = 0; word < 256 / 32; ++word) {
      for (u32 bits = matches[word]; bits != 0; bits &= bits - 1) {
        const float* from = dstream + (u64)(start + 32 * word + (u32)__ffs((int)bits) - 1) * HIDDEN;
        for (u32 i = threadIdx.x; i < HIDDEN; i += 256) to[i] += from[i];
      }
    }
    __syncthreads();
  }
}
)cuda";

}  // namespace

// One module with both entries: a run that seeds its weights then warms nothing that it does not use.
Kernel model_weights(Storage storage) {
  static const Text text("model_weights", std::string(kSeededNormal) + kConvert);
  return {stored("model_weights", storage), Body(text.definition(), {storage_param(storage)})};
}

Kernel embedding_forward(Storage storage, std::uint32_t hidden) {
  static const Text text("embedding_fwd", kEmbedding);
  return {join_key(stored("embedding_fwd", storage), {hidden}),
          Body(text.definition(), {storage_param(storage), uint_param("hidden", hidden)})};
}

Kernel embedding_backward(Storage storage, std::uint32_t hidden) {
  static const Text text("embedding_bwd", kEmbeddingBackward);
  return {join_key(stored("embedding_bwd", storage), {hidden}),
          Body(text.definition(), {storage_param(storage), uint_param("hidden", hidden)})};
}

}  // namespace smgate::workload::cuda::kernels
