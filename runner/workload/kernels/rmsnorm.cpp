// RMSNorm (Zhang and Sennrich, 2019): y = x / sqrt(mean(x^2) + eps) * gamma. Its backward is two kernels: rows first,
// each with its own share of dgamma, then a reduction of those shares.
#include <cmath>

#include "runner/workload/kernels/kernel.hpp"

namespace smgate::workload {

namespace {

void forward_cpu(const Body& body, const Args& args) {
  const std::size_t hidden = body.u32("hidden");
  const float eps = body.f32("eps");
  for (std::size_t row = 0; row < args.u32(4); ++row) {
    const float* x = args.in(2) + row * hidden;
    const float* gamma = args.in(3);
    float* out = args.out(0) + row * hidden;
    float sum = 0.0f;
    for (std::size_t i = 0; i < hidden; ++i) sum += x[i] * x[i];
    const float inverse = 1.0f / std::sqrt(sum / static_cast<float>(hidden) + eps);
    args.out(1)[row] = inverse;
    for (std::size_t i = 0; i < hidden; ++i) out[i] = x[i] * inverse * gamma[i];
  }
}

constexpr KernelDef kForward = {"batched_rmsnorm_fwd", R"cuda(
extern "C" __global__ void batched_rmsnorm_fwd(float* out, float* inverse_rms, const float* x, const float* gamma,
                                               unsigned rows) {
  const unsigned row = blockIdx.x;
  if (row >= rows) return;
  const unsigned long long start = (unsigned long long)row * HIDDEN;
  float sum = 0.0f;
  for (unsigned i = threadIdx.x; i < HIDDEN; i += blockDim.x) sum += x[start + i] * x[start + i];
  const float inverse = 1.0f / sqrtf(block_sum(sum) / (float)HIDDEN + EPS);
  if (threadIdx.x == 0) inverse_rms[row] = inverse;
  for (unsigned i = threadIdx.x; i < HIDDEN; i += blockDim.x) out[start + i] = x[start + i] * inverse * gamma[i];
}
)cuda",
                                forward_cpu,
                                [](const Body&, const Args& args) {
                                  return Grid{args.u32(4), 1};
                                },
                                true};

// dx = inverse * (dout * gamma - x * inverse^2 * mean(dout * gamma * x)); partial = dout * x * inverse
void backward_cpu(const Body&, const Args& args) {
  const std::size_t hidden = args.u32(7);
  for (std::size_t row = 0; row < args.u32(6); ++row) {
    const float* dout = args.in(2) + row * hidden;
    const float* x = args.in(3) + row * hidden;
    const float* gamma = args.in(4);
    const float inverse = args.in(5)[row];
    float* dx = args.out(0) + row * hidden;
    float* partial = args.out(1) + row * hidden;
    float sum = 0.0f;
    for (std::size_t i = 0; i < hidden; ++i) sum += dout[i] * gamma[i] * x[i];
    const float mean = sum / static_cast<float>(hidden);
    for (std::size_t i = 0; i < hidden; ++i) {
      dx[i] = inverse * (dout[i] * gamma[i] - x[i] * inverse * inverse * mean);
      partial[i] = dout[i] * x[i] * inverse;
    }
  }
}

constexpr KernelDef kBackward = {"batched_rms_norm_backward", R"cuda(
extern "C" __global__ void batched_rms_norm_backward(float* dx, float* partial_dgamma, const float* dout, const float* x,
                                                     const float* gamma, const float* inverse_rms, unsigned rows,
                                                     unsigned hidden) {
  const unsigned row = blockIdx.x;
  if (row >= rows) return;
  const unsigned long long start = (unsigned long long)row * hidden;
  const float inverse = inverse_rms[row];
  float sum = 0.0f;
  for (unsigned i = threadIdx.x; i < hidden; i += blockDim.x) sum += dout[start + i] * gamma[i] * x[start + i];
  const float mean = block_sum(sum) / (float)hidden;
  for (unsigned i = threadIdx.x; i < hidden; i += blockDim.x) {
    const float g = dout[start + i];
    const float v = x[start + i];
    dx[start + i] = inverse * (g * gamma[i] - v * inverse * inverse * mean);
    partial_dgamma[start + i] = g * v * inverse;
  }
}
)cuda",
                                 backward_cpu,
                                 [](const Body&, const Args& args) {
                                   return Grid{args.u32(6), 1};
                                 },
                                 true};

void gamma_reduce_cpu(const Body&, const Args& args) {
  const float* partial = args.in(1);
  const std::size_t rows = args.u32(2);
  const std::size_t hidden = args.u32(3);
  for (std::size_t column = 0; column < hidden; ++column) {
    float sum = 0.0f;
    for (std::size_t row = 0; row < rows; ++row) sum += partial[row * hidden + column];
    args.out(0)[column] += sum;
  }
}

constexpr KernelDef kGammaReduce = {"rms_norm_gamma_reduce", R"cuda(
extern "C" __global__ void rms_norm_gamma_reduce(float* dgamma, const float* partial_dgamma, unsigned rows,
                                                 unsigned hidden) {
  const unsigned column = blockIdx.x * blockDim.x + threadIdx.x;
  if (column >= hidden) return;
  float sum = 0.0f;
  for (unsigned row = 0; row < rows; ++row) sum += partial_dgamma[(unsigned long long)row * hidden + column];
  dgamma[column] += sum;
}
)cuda",
                                    gamma_reduce_cpu, [](const Body&, const Args& args) {
                                      return Grid{blocks_for(args.u32(3)), 1};
                                    }};

}  // namespace

namespace keys {
std::string rmsnorm_forward(std::uint32_t hidden, float eps) {
  return join_key("batched_rmsnorm_fwd", {hidden}) + float_token("eps", eps);
}
std::string rmsnorm_backward() { return "batched_rms_norm_backward"; }
std::string rms_norm_gamma_reduce() { return "rms_norm_gamma_reduce"; }
}  // namespace keys

namespace bodies {
Body rmsnorm_forward(std::uint32_t hidden, float eps) {
  return Body(kForward, {uint_param("hidden", hidden), float_param("eps", eps)});
}
Body rmsnorm_backward() { return Body(kBackward); }
Body rms_norm_gamma_reduce() { return Body(kGammaReduce); }
}  // namespace bodies

}  // namespace smgate::workload
