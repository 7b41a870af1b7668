// Softmax over rows, and its backward: ds = p * (dp - sum(dp * p)).
#include <algorithm>
#include <cmath>

#include "runner/workload/kernels/kernel.hpp"

namespace smgate::workload {

namespace {

void forward_cpu(const Body&, const Args& args) {
  const std::size_t columns = args.u32(3);
  for (std::size_t row = 0; row < args.u32(2); ++row) {
    const float* in = args.in(1) + row * columns;
    float* out = args.out(0) + row * columns;
    const float top = *std::max_element(in, in + columns);
    float sum = 0.0f;
    for (std::size_t i = 0; i < columns; ++i) {
      out[i] = std::exp(in[i] - top);
      sum += out[i];
    }
    for (std::size_t i = 0; i < columns; ++i) out[i] /= sum;
  }
}

void backward_cpu(const Body&, const Args& args) {
  const std::size_t columns = args.u32(4);
  for (std::size_t row = 0; row < args.u32(3); ++row) {
    const float* dp = args.in(1) + row * columns;
    const float* p = args.in(2) + row * columns;
    float* ds = args.out(0) + row * columns;
    float sum = 0.0f;
    for (std::size_t i = 0; i < columns; ++i) sum += dp[i] * p[i];
    for (std::size_t i = 0; i < columns; ++i) ds[i] = p[i] * (dp[i] - sum);
  }
}

constexpr KernelDef kForward = {"batched_softmax_forward", R"cuda(
extern "C" __global__ void batched_softmax_forward(float* out, const float* in, unsigned rows, unsigned columns) {
  const unsigned row = blockIdx.x;
  if (row >= rows) return;
  const unsigned long long start = (unsigned long long)row * columns;
  float top = __uint_as_float(0xff800000u);  // -infinity
  for (unsigned i = threadIdx.x; i < columns; i += blockDim.x) top = fmaxf(top, in[start + i]);
  top = block_max(top);
  float sum = 0.0f;
  for (unsigned i = threadIdx.x; i < columns; i += blockDim.x) {
    const float e = expf(in[start + i] - top);
    out[start + i] = e;
    sum += e;
  }
  sum = block_sum(sum);
  for (unsigned i = threadIdx.x; i < columns; i += blockDim.x) out[start + i] /= sum;
}
)cuda",
                                forward_cpu,
                                [](const Body&, const Args& args) {
                                  return Grid{args.u32(2), 1};
                                },
                                true};

constexpr KernelDef kBackward = {"batched_softmax_backward", R"cuda(
extern "C" __global__ void batched_softmax_backward(float* ds, const float* dp, const float* p, unsigned rows,
                                                    unsigned columns) {
  const unsigned row = blockIdx.x;
  if (row >= rows) return;
  const unsigned long long start = (unsigned long long)row * columns;
  float sum = 0.0f;
  for (unsigned i = threadIdx.x; i < columns; i += blockDim.x) sum += dp[start + i] * p[start + i];
  sum = block_sum(sum);
  for (unsigned i = threadIdx.x; i < columns; i += blockDim.x) ds[start + i] = p[start + i] * (dp[start + i] - sum);
}
)cuda",
                                 backward_cpu,
                                 [](const Body&, const Args& args) {
                                   return Grid{args.u32(3), 1};
                                 },
                                 true};

}  // namespace

namespace keys {
std::string batched_softmax_forward() { return "batched_softmax_forward"; }
std::string batched_softmax_backward() { return "batched_softmax_backward"; }
}  // namespace keys

namespace bodies {
Body batched_softmax_forward() { return Body(kForward); }
Body batched_softmax_backward() { return Body(kBackward); }
}  // namespace bodies

}  // namespace smgate::workload
