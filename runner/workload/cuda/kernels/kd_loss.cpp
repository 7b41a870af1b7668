// The distillation's loss (Hinton et al., 2015) over one row of the vocabulary a block: alpha * CE(label) + (1 - alpha)
// * T^2 * KL(teacher_T || student_T), mean over rows. One pass gathers every sum with a running maximum, a second
// writes the gradient over the student's logits; no fp32 logits are held anywhere.
#include "runner/workload/cuda/kernels/text.hpp"

namespace smgate::workload::cuda::kernels {

namespace {

// With hs, ht the maxima: z1 = sum exp(s - hs), zs = sum exp((s - hs) / T), zt = sum exp((t - ht) / T), cross = sum
// exp((t - ht) / T) (t - s).
constexpr const char* kSums = R"cuda(
#define COLD (LOG2E / TEMPERATURE)
struct Sums {
  float hs, ht, z1, zs, zt, cross;
};
__device__ __forceinline__ void shift(Sums& sums, float hs, float ht) {
  sums.z1 *= power2((sums.hs - hs) * LOG2E);
  sums.zs *= power2((sums.hs - hs) * COLD);
  const float shrink = power2((sums.ht - ht) * COLD);
  sums.zt *= shrink;
  sums.cross *= shrink;
  sums.hs = hs;
  sums.ht = ht;
}
__device__ __forceinline__ void join(Sums& sums, Sums other) {
  const float hs = fmaxf(sums.hs, other.hs), ht = fmaxf(sums.ht, other.ht);
  shift(sums, hs, ht);
  shift(other, hs, ht);
  sums.z1 += other.z1, sums.zs += other.zs, sums.zt += other.zt, sums.cross += other.cross;
}
__device__ __forceinline__ void add8(Sums& sums, const float* s, const float* t) {
  float hs = sums.hs, ht = sums.ht;
  for (u32 j = 0; j < 8; ++j) hs = fmaxf(hs, s[j]), ht = fmaxf(ht, t[j]);
  if (hs > sums.hs || ht > sums.ht) shift(sums, hs, ht);
  for (u32 j = 0; j < 8; ++j) {
    const float weight = power2((t[j] - ht) * COLD);
    const float soft = power2((s[j] - hs) * COLD);
    // At the incident's temperature the hard exponential is a power of the soft one: the device makes few of them a
    // clock.
    sums.z1 += TEMPERATURE == 4.0f ? soft * soft * (soft * soft) : power2((s[j] - hs) * LOG2E);
    sums.zs += soft;
    sums.zt += weight;
    sums.cross += weight * (t[j] - s[j]);
  }
}
__device__ __forceinline__ Sums from_lane(Sums s, u32 step) {
  const u32 all = 0xffffffffu;
  return {__shfl_xor_sync(all, s.hs, step), __shfl_xor_sync(all, s.ht, step), __shfl_xor_sync(all, s.z1, step),
          __shfl_xor_sync(all, s.zs, step), __shfl_xor_sync(all, s.zt, step), __shfl_xor_sync(all, s.cross, step)};
}
__device__ __forceinline__ Sums block_join(Sums sums) {
  __shared__ Sums parts[16];
  for (u32 step = 16; step > 0; step >>= 1) join(sums, from_lane(sums, step));
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = sums;
  __syncthreads();
  sums = parts[0];
  for (u32 i = 1; i < 16; ++i) join(sums, parts[i]);
  return sums;
}
)cuda";

constexpr const char* kLoss = R"cuda(
extern "C" __global__ void __launch_bounds__(512) kd_loss(T* student, float* losses, const T* teacher,
                                                          const int* labels, float share) {
  const u64 row = blockIdx.x;
  T* s_row = student + row * VOCAB;
  const T* t_row = teacher + row * VOCAB;
  const u32 label = (u32)labels[row];
  const float label_logit = load1(s_row + label);
  Sums sums = {-1e30f, -1e30f, 0.0f, 0.0f, 0.0f, 0.0f};
  for (u32 i = 8 * threadIdx.x; i < VOCAB; i += 8 * 512) {
    float s[8], t[8];
    load8(s_row + i, s);
    load8(t_row + i, t);
    add8(sums, s, t);
  }
  sums = block_join(sums);
  const float log1 = sums.hs + logf(sums.z1);
  const float log_s = sums.hs / TEMPERATURE + logf(sums.zs);
  const float log_t = sums.ht / TEMPERATURE + logf(sums.zt);
  if (threadIdx.x == 0) {
    losses[2 * row] = log1 - label_logit;
    losses[2 * row + 1] = sums.cross / (sums.zt * TEMPERATURE) - log_t + log_s;
  }
  const float fourth = sums.zs * sums.zs * (sums.zs * sums.zs) / sums.z1;  // p1 over the fourth power of ps
  const float hard = ALPHA * share, soft = (1.0f - ALPHA) * TEMPERATURE * share;
  for (u32 i = 8 * threadIdx.x; i < VOCAB; i += 8 * 512) {
    float s[8], t[8];
    load8(s_row + i, s);
    load8(t_row + i, t);
    for (u32 j = 0; j < 8; ++j) {
      const float ps = power2(s[j] * COLD - log_s * LOG2E);
      const float pt = power2(t[j] * COLD - log_t * LOG2E);
      const float p1 = TEMPERATURE == 4.0f ? ps * ps * (ps * ps) * fourth : power2((s[j] - log1) * LOG2E);
      s[j] = hard * p1 + soft * (ps - pt);
    }
    if (label - i < 8) {
#pragma unroll
      for (u32 j = 0; j < 8; ++j) s[j] -= i + j == label ? hard : 0.0f;
    }
    store8(s_row + i, s);
  }
}
)cuda";

}  // namespace

Kernel kd_loss(Storage storage, std::uint32_t vocab, float alpha, float temperature) {
  static const Text text("kd_loss", std::string(kSums) + kLoss);
  return {join_key(stored("kd_loss", storage), {vocab}) + float_token("a", alpha) + float_token("t", temperature),
          Body(text.definition(), {storage_param(storage), uint_param("vocab", vocab), float_param("alpha", alpha),
                                   float_param("temperature", temperature)})};
}

}  // namespace smgate::workload::cuda::kernels
