#include "runner/workload/cuda/kernels/attention.hpp"

namespace smgate::workload::cuda::kernels {

// Two threads a row of the 64 (a block has 128) would each need half a head; the upper 64 idle instead.
const char* const kPlainAttentionShared = R"cuda(
#define WIDTH ((HEADS + 2 * KV_HEADS) * HEAD_DIM)
#define QUERIES (HEADS * HEAD_DIM)
#define GROUP (HEADS / KV_HEADS)
#define SCALE (1.0f / sqrtf((float)HEAD_DIM))
__device__ __forceinline__ float dot(const float* a, const float* b) {
  float sum = 0.0f;
  for (u32 i = 0; i < HEAD_DIM; ++i) sum += a[i] * b[i];
  return sum;
}
)cuda";

const char* const kPlainAttentionForward = R"cuda(
extern "C" __global__ void attention_fwd(T* out, float* lse, const T* qkv) {
  const u32 row = blockIdx.z * 64 + threadIdx.x, query = row / GROUP, batch = blockIdx.y;
  const u32 head = blockIdx.x * GROUP + row % GROUP;
  if (threadIdx.x >= 64 || query >= SEQ) return;
  const T* start = qkv + (u64)batch * SEQ * WIDTH;
  const T* k = start + (HEADS + head / GROUP) * HEAD_DIM;
  const T* v = k + KV_HEADS * HEAD_DIM;
  float q[HEAD_DIM], o[HEAD_DIM];
  for (u32 i = 0; i < HEAD_DIM; ++i) q[i] = start[(u64)query * WIDTH + head * HEAD_DIM + i], o[i] = 0.0f;
  float high = -1e30f, sum = 0.0f;
  for (u32 key = 0; key <= query; ++key) {
    const float s = dot(q, k + (u64)key * WIDTH) * SCALE;
    const float now = fmaxf(high, s);
    const float shrink = expf(high - now), p = expf(s - now);
    high = now;
    sum = sum * shrink + p;
    for (u32 i = 0; i < HEAD_DIM; ++i) o[i] = o[i] * shrink + p * v[(u64)key * WIDTH + i];
  }
  lse[((u64)batch * HEADS + head) * SEQ + query] = high + logf(sum);
  T* to = out + ((u64)batch * SEQ + query) * QUERIES + head * HEAD_DIM;
  for (u32 i = 0; i < HEAD_DIM; ++i) to[i] = o[i] / sum;
}
)cuda";

const char* const kPlainAttentionBackwardQ = R"cuda(
extern "C" __global__ void attention_bwd_q(T* dq, float* delta, const T* dout, const T* out, const float* lse,
                                           const T* qkv) {
  const u32 row = blockIdx.z * 64 + threadIdx.x, query = row / GROUP, batch = blockIdx.y;
  const u32 head = blockIdx.x * GROUP + row % GROUP;
  if (threadIdx.x >= 64 || query >= SEQ) return;
  const T* start = qkv + (u64)batch * SEQ * WIDTH;
  const T* k = start + (HEADS + head / GROUP) * HEAD_DIM;
  const T* v = k + KV_HEADS * HEAD_DIM;
  const u64 place = ((u64)batch * SEQ + query) * QUERIES + head * HEAD_DIM;
  const u64 at = ((u64)batch * HEADS + head) * SEQ + query;
  float q[HEAD_DIM], d[HEAD_DIM], grown[HEAD_DIM];
  for (u32 i = 0; i < HEAD_DIM; ++i) {
    q[i] = start[(u64)query * WIDTH + head * HEAD_DIM + i];
    d[i] = dout[place + i];
    grown[i] = 0.0f;
  }
  const float mean = dot(d, out + place);
  delta[at] = mean;
  for (u32 key = 0; key <= query; ++key) {
    const float p = expf(dot(q, k + (u64)key * WIDTH) * SCALE - lse[at]);
    const float ds = p * (dot(d, v + (u64)key * WIDTH) - mean) * SCALE;
    for (u32 i = 0; i < HEAD_DIM; ++i) grown[i] += ds * k[(u64)key * WIDTH + i];
  }
  for (u32 i = 0; i < HEAD_DIM; ++i) dq[place + i] = grown[i];
}
)cuda";

const char* const kPlainAttentionBackwardKv = R"cuda(
extern "C" __global__ void attention_bwd_kv(T* dk, T* dv, const T* dout, const float* lse, const float* delta,
                                            const T* qkv) {
  const u32 key = blockIdx.z * 64 + threadIdx.x, head = blockIdx.x, batch = blockIdx.y;
  if (threadIdx.x >= 64 || key >= SEQ) return;
  const T* start = qkv + (u64)batch * SEQ * WIDTH;
  const T* k_start = start + (u64)key * WIDTH + (HEADS + head / GROUP) * HEAD_DIM;
  float k[HEAD_DIM], v[HEAD_DIM], grown_k[HEAD_DIM], grown_v[HEAD_DIM];
  for (u32 i = 0; i < HEAD_DIM; ++i) {
    k[i] = k_start[i];
    v[i] = k_start[KV_HEADS * HEAD_DIM + i];
    grown_k[i] = grown_v[i] = 0.0f;
  }
  for (u32 query = key; query < SEQ; ++query) {
    const T* q = start + (u64)query * WIDTH + head * HEAD_DIM;
    const T* d = dout + ((u64)batch * SEQ + query) * QUERIES + head * HEAD_DIM;
    const u64 at = ((u64)batch * HEADS + head) * SEQ + query;
    const float p = expf(dot(k, q) * SCALE - lse[at]);
    const float ds = p * (dot(v, d) - delta[at]) * SCALE;
    for (u32 i = 0; i < HEAD_DIM; ++i) grown_v[i] += p * d[i], grown_k[i] += ds * q[i];
  }
  const u64 place = ((u64)batch * SEQ + key) * QUERIES + head * HEAD_DIM;
  for (u32 i = 0; i < HEAD_DIM; ++i) dk[place + i] = grown_k[i], dv[place + i] = grown_v[i];
}
)cuda";

}  // namespace smgate::workload::cuda::kernels
