#include "runner/workload/cuda/kernels/text.hpp"

namespace smgate::workload::cuda {

namespace {

// No header of the toolkit: NVRTC then needs none to be installed, and compiles in a fraction of the time. T holds
// matrices and activations; arithmetic is in fp32.
constexpr const char* kPrelude = R"cuda(
typedef unsigned int u32;
typedef unsigned long long u64;
#define LOG2E 1.4426950408889634f
__device__ __forceinline__ u32 shared_address(const void* at) { return (u32)__cvta_generic_to_shared(at); }
__device__ __forceinline__ float bf16_low(u32 pair) { return __uint_as_float(pair << 16); }
__device__ __forceinline__ float bf16_high(u32 pair) { return __uint_as_float(pair & 0xffff0000u); }
__device__ __forceinline__ u32 bf16_pair(float low, float high) {
  u32 pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}
#if BF16
typedef unsigned short T;
__device__ __forceinline__ float load1(const T* from) { return bf16_low(*from); }
__device__ __forceinline__ void store1(T* to, float value) { *to = (T)(bf16_pair(value, 0.0f) & 0xffffu); }
__device__ __forceinline__ void load2(const T* from, float* x) {
  const u32 pair = *(const u32*)from;
  x[0] = bf16_low(pair);
  x[1] = bf16_high(pair);
}
__device__ __forceinline__ void store2(T* to, const float* x) { *(u32*)to = bf16_pair(x[0], x[1]); }
__device__ __forceinline__ void load4(const T* from, float* x) {
  const uint2 v = *(const uint2*)from;
  x[0] = bf16_low(v.x), x[1] = bf16_high(v.x), x[2] = bf16_low(v.y), x[3] = bf16_high(v.y);
}
__device__ __forceinline__ void store4(T* to, const float* x) {
  *(uint2*)to = make_uint2(bf16_pair(x[0], x[1]), bf16_pair(x[2], x[3]));
}
__device__ __forceinline__ void load8(const T* from, float* x) {
  const uint4 v = *(const uint4*)from;
  x[0] = bf16_low(v.x), x[1] = bf16_high(v.x), x[2] = bf16_low(v.y), x[3] = bf16_high(v.y);
  x[4] = bf16_low(v.z), x[5] = bf16_high(v.z), x[6] = bf16_low(v.w), x[7] = bf16_high(v.w);
}
__device__ __forceinline__ void store8(T* to, const float* x) {
  *(uint4*)to =
      make_uint4(bf16_pair(x[0], x[1]), bf16_pair(x[2], x[3]), bf16_pair(x[4], x[5]), bf16_pair(x[6], x[7]));
}
#else
typedef float T;
__device__ __forceinline__ float load1(const T* from) { return *from; }
__device__ __forceinline__ void store1(T* to, float value) { *to = value; }
__device__ __forceinline__ void load2(const T* from, float* x) {
  const float2 v = *(const float2*)from;
  x[0] = v.x, x[1] = v.y;
}
__device__ __forceinline__ void store2(T* to, const float* x) { *(float2*)to = make_float2(x[0], x[1]); }
#endif
__device__ __forceinline__ void load4(const float* from, float* x) {
  const float4 v = *(const float4*)from;
  x[0] = v.x, x[1] = v.y, x[2] = v.z, x[3] = v.w;
}
__device__ __forceinline__ void store4(float* to, const float* x) { *(float4*)to = make_float4(x[0], x[1], x[2], x[3]); }
#if !BF16
__device__ __forceinline__ void load8(const T* from, float* x) { load4(from, x), load4(from + 4, x + 4); }
__device__ __forceinline__ void store8(T* to, const float* x) { store4(to, x), store4(to + 4, x + 4); }
#endif
__device__ __forceinline__ float power2(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
__device__ __forceinline__ float sigmoid(float x) {
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(1.0f + power2(-LOG2E * x)));
  return y;
}
__device__ __forceinline__ float silu(float x) { return x * sigmoid(x); }
__device__ __forceinline__ float warp_sum(float value) {
  for (u32 step = 16; step > 0; step >>= 1) value += __shfl_xor_sync(0xffffffffu, value, step);
  return value;
}
)cuda";

}  // namespace

Text::Text(const char* name, std::string_view parts, bool alone)
    : source_(std::string(kPrelude) + std::string(parts)), definition_{name, source_.c_str(), nullptr, nullptr} {
  definition_.alone = alone;
}

std::string stored(std::string_view name, Storage storage) {
  return std::string(name) + (storage == Storage::kBf16 ? "_bf16" : "_f32");
}

Param storage_param(Storage storage) { return uint_param("bf16", storage == Storage::kBf16 ? 1 : 0); }

}  // namespace smgate::workload::cuda
