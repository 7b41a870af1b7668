// Gradient clipping by global norm, and AdamW (Loshchilov and Hutter, 2019).
#include <algorithm>
#include <cmath>

#include "runner/workload/kernels/kernel.hpp"

namespace smgate::workload {

namespace {

// partials[block] = the sum of squares of that block's 256 gradients; the host adds the few partials in order.
void norm_partials_cpu(const Body&, const Args& args) {
  const float* gradient = args.in(1);
  const std::size_t n = args.u32(2);
  for (std::size_t start = 0; start < n; start += kBlockThreads) {
    const std::size_t end = std::min<std::size_t>(n, start + kBlockThreads);
    float sum = 0.0f;
    for (std::size_t i = start; i < end; ++i) sum += gradient[i] * gradient[i];
    args.out(0)[start / kBlockThreads] = sum;
  }
}

constexpr KernelDef kNormPartials = {"grad_norm_partials", R"cuda(
extern "C" __global__ void grad_norm_partials(float* partials, const float* gradient, unsigned n) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  const float value = i < n ? gradient[i] : 0.0f;
  const float sum = block_sum(value * value);
  if (threadIdx.x == 0) partials[blockIdx.x] = sum;
}
)cuda",
                                     norm_partials_cpu,
                                     [](const Body&, const Args& args) {
                                       return Grid{blocks_for(args.u32(2)), 1};
                                     },
                                     true};

void scale_cpu(const Body&, const Args& args) {
  float* gradient = args.out(0);
  const float scale = args.f32(1);
  const std::size_t n = args.u32(2);
  for (std::size_t i = 0; i < n; ++i) gradient[i] *= scale;
}

constexpr KernelDef kScale = {"grad_scale", R"cuda(
extern "C" __global__ void grad_scale(float* gradient, float scale, unsigned n) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) gradient[i] *= scale;
}
)cuda",
                              scale_cpu, [](const Body&, const Args& args) {
                                return Grid{blocks_for(args.u32(2)), 1};
                              }};

// Arguments: weight, first moment, second moment, gradient, learning rate, weight decay, 1 - beta1^t, 1 - beta2^t, n.
void adamw_cpu(const Body& body, const Args& args) {
  float* weight = args.out(0);
  float* moment = args.out(1);
  float* variance = args.out(2);
  const float* gradient = args.in(3);
  const float learning_rate = args.f32(4), decay = args.f32(5), correction1 = args.f32(6), correction2 = args.f32(7);
  const float beta1 = body.f32("beta1"), beta2 = body.f32("beta2"), eps = body.f32("eps");
  const std::size_t n = args.u32(8);
  for (std::size_t i = 0; i < n; ++i) {
    const float g = gradient[i];
    moment[i] = beta1 * moment[i] + (1.0f - beta1) * g;
    variance[i] = beta2 * variance[i] + (1.0f - beta2) * g * g;
    const float update = (moment[i] / correction1) / (std::sqrt(variance[i] / correction2) + eps);
    weight[i] -= learning_rate * (update + decay * weight[i]);
  }
}

constexpr KernelDef kAdamw = {"adamw_step", R"cuda(
extern "C" __global__ void adamw_step(float* weight, float* moment, float* variance, const float* gradient,
                                      float learning_rate, float weight_decay, float correction1, float correction2,
                                      unsigned n) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const float g = gradient[i];
  const float m = BETA1 * moment[i] + (1.0f - BETA1) * g;
  const float v = BETA2 * variance[i] + (1.0f - BETA2) * g * g;
  moment[i] = m;
  variance[i] = v;
  const float update = (m / correction1) / (sqrtf(v / correction2) + EPS);
  weight[i] -= learning_rate * (update + weight_decay * weight[i]);
}
)cuda",
                              adamw_cpu, [](const Body&, const Args& args) {
                                return Grid{blocks_for(args.u32(8)), 1};
                              }};

}  // namespace

namespace keys {
std::string grad_norm_partials() { return "grad_norm_partials"; }
std::string grad_scale() { return "grad_scale"; }
std::string adamw_step(AdamParams params) {
  // mu and nu: the decay of the first and of the second moment
  return "adamw_step" + float_token("mu", params.beta1) + float_token("nu", params.beta2) +
         float_token("eps", params.eps);
}
}  // namespace keys

namespace bodies {
Body grad_norm_partials() { return Body(kNormPartials); }
Body grad_scale() { return Body(kScale); }
Body adamw_step(AdamParams params) {
  return Body(kAdamw,
              {float_param("beta1", params.beta1), float_param("beta2", params.beta2), float_param("eps", params.eps)});
}
}  // namespace bodies

}  // namespace smgate::workload
