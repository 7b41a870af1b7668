// Causal grouped-query attention (Ainslie et al., 2023), unfused: scores = q k^T / sqrt(head_dim), softmax (in
// softmax.cpp), context = p v. Activations are [batch x seq, heads x head_dim], scores [batch, heads, seq, seq]; query
// head h reads key and value head h / (heads / kv_heads).
#include <cmath>
#include <limits>

#include "runner/workload/kernels/kernel.hpp"

namespace smgate::workload {

namespace {

struct Dims {
  std::size_t heads, kv_heads, head_dim, seq, group;
  float scale;

  explicit Dims(const Body& body)
      : heads(body.u32("heads")),
        kv_heads(body.u32("kv_heads")),
        head_dim(body.u32("head_dim")),
        seq(body.u32("seq")),
        group(heads / kv_heads),
        scale(1.0f / std::sqrt(static_cast<float>(head_dim))) {}

  std::size_t query(std::size_t batch, std::size_t position, std::size_t head) const {
    return ((batch * seq + position) * heads + head) * head_dim;
  }
  std::size_t value(std::size_t batch, std::size_t position, std::size_t kv_head) const {
    return ((batch * seq + position) * kv_heads + kv_head) * head_dim;
  }
  std::size_t score(std::size_t batch, std::size_t head, std::size_t i, std::size_t j) const {
    return ((batch * heads + head) * seq + i) * seq + j;
  }
};

// The last argument of these kernels is the batch. Both CPU loops visit (batch, head, query i, key j <= i).
template <class Visit>
void for_each_pair(const Dims& dims, std::uint32_t batches, Visit visit) {
  for (std::size_t b = 0; b < batches; ++b) {
    for (std::size_t h = 0; h < dims.heads; ++h) {
      for (std::size_t i = 0; i < dims.seq; ++i) {
        for (std::size_t j = 0; j <= i; ++j) visit(b, h, i, j);
      }
    }
  }
}

float dot(const float* a, const float* b, std::size_t count) {
  float sum = 0.0f;
  for (std::size_t d = 0; d < count; ++d) sum += a[d] * b[d];
  return sum;
}

void zero(float* out, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) out[i] = 0.0f;
}

// out(0)[pair] = scale * left(query-shaped) . right(value-shaped); entries above the diagonal are `above`.
void pairwise_dot(const Body& body, const Args& args, float scale, float above) {
  const Dims dims(body);
  float* out = args.out(0);
  const float* lefts = args.in(1);
  const float* rights = args.in(2);
  const std::size_t count = args.u32(3) * dims.score(1, 0, 0, 0);
  for (std::size_t i = 0; i < count; ++i) out[i] = above;
  for_each_pair(dims, args.u32(3), [&](std::size_t b, std::size_t h, std::size_t i, std::size_t j) {
    const float* left = lefts + dims.query(b, i, h);
    const float* right = rights + dims.value(b, j, h / dims.group);
    out[dims.score(b, h, i, j)] = scale * dot(left, right, dims.head_dim);
  });
}

// out(0)[query i] = scale * the sum over keys j of in(1)[pair] * in(2)[value j]
void sum_over_keys(const Body& body, const Args& args, float scale) {
  const Dims dims(body);
  float* out = args.out(0);
  const float* weights = args.in(1);
  const float* values = args.in(2);
  zero(out, args.u32(3) * dims.query(1, 0, 0));
  for_each_pair(dims, args.u32(3), [&](std::size_t b, std::size_t h, std::size_t i, std::size_t j) {
    const float weight = scale * weights[dims.score(b, h, i, j)];
    const float* from = values + dims.value(b, j, h / dims.group);
    float* to = out + dims.query(b, i, h);
    for (std::size_t d = 0; d < dims.head_dim; ++d) to[d] += weight * from[d];
  });
}

// out(0)[value j] = scale * the sum over queries i of all heads of its group of in(1)[pair] * in(2)[query i]
void sum_over_queries(const Body& body, const Args& args, float scale) {
  const Dims dims(body);
  float* out = args.out(0);
  const float* weights = args.in(1);
  const float* values = args.in(2);
  zero(out, args.u32(3) * dims.value(1, 0, 0));
  for_each_pair(dims, args.u32(3), [&](std::size_t b, std::size_t h, std::size_t i, std::size_t j) {
    const float weight = scale * weights[dims.score(b, h, i, j)];
    const float* from = values + dims.query(b, i, h);
    float* to = out + dims.value(b, j, h / dims.group);
    for (std::size_t d = 0; d < dims.head_dim; ++d) to[d] += weight * from[d];
  });
}

Grid per_query(const Body& body, const Args& args) { return {body.u32("seq"), args.u32(3) * body.u32("heads")}; }
Grid per_value(const Body& body, const Args& args) { return {body.u32("seq"), args.u32(3) * body.u32("kv_heads")}; }

constexpr KernelDef kScoresForward = {"batched_attn_scores_fwd", R"cuda(
extern "C" __global__ void batched_attn_scores_fwd(float* scores, const float* q, const float* k, unsigned batches) {
  const unsigned i = blockIdx.x, h = blockIdx.y % HEADS, b = blockIdx.y / HEADS;
  if (b >= batches) return;
  const float* qi = q + (((unsigned long long)b * SEQ + i) * HEADS + h) * HEAD_DIM;
  float* row = scores + (((unsigned long long)b * HEADS + h) * SEQ + i) * SEQ;
  const float scale = rsqrtf((float)HEAD_DIM);
  for (unsigned j = threadIdx.x; j < SEQ; j += blockDim.x) {
    const float* kj = k + (((unsigned long long)b * SEQ + j) * KV_HEADS + h / (HEADS / KV_HEADS)) * HEAD_DIM;
    float sum = 0.0f;
    for (unsigned d = 0; d < HEAD_DIM; ++d) sum += qi[d] * kj[d];
    row[j] = j <= i ? scale * sum : __uint_as_float(0xff800000u);  // -infinity above the diagonal
  }
}
)cuda",
                                      [](const Body& body, const Args& args) {
                                        pairwise_dot(body, args, Dims(body).scale,
                                                     -std::numeric_limits<float>::infinity());
                                      },
                                      per_query};

constexpr KernelDef kScoresBackwardQ = {
    "batched_attn_scores_bwd_q", R"cuda(
extern "C" __global__ void batched_attn_scores_bwd_q(float* dq, const float* ds, const float* k, unsigned batches) {
  const unsigned i = blockIdx.x, h = blockIdx.y % HEADS, b = blockIdx.y / HEADS;
  if (b >= batches) return;
  const float* row = ds + (((unsigned long long)b * HEADS + h) * SEQ + i) * SEQ;
  const float scale = rsqrtf((float)HEAD_DIM);
  for (unsigned d = threadIdx.x; d < HEAD_DIM; d += blockDim.x) {
    float sum = 0.0f;
    for (unsigned j = 0; j <= i; ++j) {
      sum += row[j] * k[(((unsigned long long)b * SEQ + j) * KV_HEADS + h / (HEADS / KV_HEADS)) * HEAD_DIM + d];
    }
    dq[(((unsigned long long)b * SEQ + i) * HEADS + h) * HEAD_DIM + d] = scale * sum;
  }
}
)cuda",
    [](const Body& body, const Args& args) { sum_over_keys(body, args, Dims(body).scale); }, per_query};

constexpr KernelDef kScoresBackwardK = {
    "batched_attn_scores_bwd_k", R"cuda(
extern "C" __global__ void batched_attn_scores_bwd_k(float* dk, const float* ds, const float* q, unsigned batches) {
  const unsigned j = blockIdx.x, g = blockIdx.y % KV_HEADS, b = blockIdx.y / KV_HEADS;
  if (b >= batches) return;
  const unsigned group = HEADS / KV_HEADS;
  const float scale = rsqrtf((float)HEAD_DIM);
  for (unsigned d = threadIdx.x; d < HEAD_DIM; d += blockDim.x) {
    float sum = 0.0f;
    for (unsigned h = g * group; h < (g + 1u) * group; ++h) {
      for (unsigned i = j; i < SEQ; ++i) {
        sum += ds[(((unsigned long long)b * HEADS + h) * SEQ + i) * SEQ + j] *
               q[(((unsigned long long)b * SEQ + i) * HEADS + h) * HEAD_DIM + d];
      }
    }
    dk[(((unsigned long long)b * SEQ + j) * KV_HEADS + g) * HEAD_DIM + d] = scale * sum;
  }
}
)cuda",
    [](const Body& body, const Args& args) { sum_over_queries(body, args, Dims(body).scale); }, per_value};

constexpr KernelDef kContextForward = {"batched_attn_context_fwd", R"cuda(
extern "C" __global__ void batched_attn_context_fwd(float* out, const float* p, const float* v, unsigned batches) {
  const unsigned i = blockIdx.x, h = blockIdx.y % HEADS, b = blockIdx.y / HEADS;
  if (b >= batches) return;
  const float* row = p + (((unsigned long long)b * HEADS + h) * SEQ + i) * SEQ;
  for (unsigned d = threadIdx.x; d < HEAD_DIM; d += blockDim.x) {
    float sum = 0.0f;
    for (unsigned j = 0; j <= i; ++j) {
      sum += row[j] * v[(((unsigned long long)b * SEQ + j) * KV_HEADS + h / (HEADS / KV_HEADS)) * HEAD_DIM + d];
    }
    out[(((unsigned long long)b * SEQ + i) * HEADS + h) * HEAD_DIM + d] = sum;
  }
}
)cuda",
                                       [](const Body& body, const Args& args) { sum_over_keys(body, args, 1.0f); },
                                       per_query};

constexpr KernelDef kContextBackwardP = {
    "batched_attn_context_bwd_p", R"cuda(
extern "C" __global__ void batched_attn_context_bwd_p(float* dp, const float* dout, const float* v, unsigned batches) {
  const unsigned i = blockIdx.x, h = blockIdx.y % HEADS, b = blockIdx.y / HEADS;
  if (b >= batches) return;
  const float* di = dout + (((unsigned long long)b * SEQ + i) * HEADS + h) * HEAD_DIM;
  float* row = dp + (((unsigned long long)b * HEADS + h) * SEQ + i) * SEQ;
  for (unsigned j = threadIdx.x; j < SEQ; j += blockDim.x) {
    const float* vj = v + (((unsigned long long)b * SEQ + j) * KV_HEADS + h / (HEADS / KV_HEADS)) * HEAD_DIM;
    float sum = 0.0f;
    for (unsigned d = 0; d < HEAD_DIM; ++d) sum += di[d] * vj[d];
    row[j] = j <= i ? sum : 0.0f;
  }
}
)cuda",
    [](const Body& body, const Args& args) { pairwise_dot(body, args, 1.0f, 0.0f); }, per_query};

constexpr KernelDef kContextBackwardV = {"batched_attn_context_bwd_v", R"cuda(
extern "C" __global__ void batched_attn_context_bwd_v(float* dv, const float* p, const float* dout, unsigned batches) {
  const unsigned j = blockIdx.x, g = blockIdx.y % KV_HEADS, b = blockIdx.y / KV_HEADS;
  if (b >= batches) return;
  const unsigned group = HEADS / KV_HEADS;
  for (unsigned d = threadIdx.x; d < HEAD_DIM; d += blockDim.x) {
    float sum = 0.0f;
    for (unsigned h = g * group; h < (g + 1u) * group; ++h) {
      for (unsigned i = j; i < SEQ; ++i) {
        sum += p[(((unsigned long long)b * HEADS + h) * SEQ + i) * SEQ + j] *
               dout[(((unsigned long long)b * SEQ + i) * HEADS + h) * HEAD_DIM + d];
      }
    }
    dv[(((unsigned long long)b * SEQ + j) * KV_HEADS + g) * HEAD_DIM + d] = sum;
  }
}
)cuda",
                                         [](const Body& body, const Args& args) { sum_over_queries(body, args, 1.0f); },
                                         per_value};

std::string key(const KernelDef& kernel, AttentionShape shape) {
  return join_key(kernel.name, {shape.heads, shape.kv_heads, shape.head_dim, shape.seq});
}
Body body(const KernelDef& kernel, AttentionShape shape) {
  return Body(kernel, {uint_param("heads", shape.heads), uint_param("kv_heads", shape.kv_heads),
                       uint_param("head_dim", shape.head_dim), uint_param("seq", shape.seq)});
}

}  // namespace

namespace keys {
std::string attention_scores_forward(AttentionShape shape) { return key(kScoresForward, shape); }
std::string attention_scores_backward_q(AttentionShape shape) { return key(kScoresBackwardQ, shape); }
std::string attention_scores_backward_k(AttentionShape shape) { return key(kScoresBackwardK, shape); }
std::string attention_context_forward(AttentionShape shape) { return key(kContextForward, shape); }
std::string attention_context_backward_p(AttentionShape shape) { return key(kContextBackwardP, shape); }
std::string attention_context_backward_v(AttentionShape shape) { return key(kContextBackwardV, shape); }
}  // namespace keys

namespace bodies {
Body attention_scores_forward(AttentionShape shape) { return body(kScoresForward, shape); }
Body attention_scores_backward_q(AttentionShape shape) { return body(kScoresBackwardQ, shape); }
Body attention_scores_backward_k(AttentionShape shape) { return body(kScoresBackwardK, shape); }
Body attention_context_forward(AttentionShape shape) { return body(kContextForward, shape); }
Body attention_context_backward_p(AttentionShape shape) { return body(kContextBackwardP, shape); }
Body attention_context_backward_v(AttentionShape shape) { return body(kContextBackwardV, shape); }
}  // namespace bodies

}  // namespace smgate::workload
