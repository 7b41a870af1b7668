// Gradient clipping by global norm, and AdamW (Loshchilov and Hutter, 2019).
#include <algorithm>
#include <cmath>

#include "runner/workload/kernels/kernel.hpp"

namespace smgate::workload {

namespace {

// partials[block] = the sum of squares of that block's 256 gradients; the host adds the few partials in order.
constexpr KernelDef kNormPartials = {"grad_norm_partials", R"cuda(
extern "C" __global__ void grad_norm_partials(float* partials, const float* gradient, unsigned n) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  const float value = i < n ? gradient[i] : 0.0f;
  const float sum = block_sum(value * value);
  if (threadIdx.x == 0) partials[blockIdx.x] = sum;
}
)cuda",
                                     [](const Body&, const Args& args) {
                                       const std::size_t n = args.u32(2);
                                       for (std::size_t block = 0; block < blocks_for(args.u32(2)); ++block) {
                                         float sum = 0.0f;
                                         for (std::size_t i = block * kBlockThreads;
                                              i < std::min(n, (block + 1) * kBlockThreads); ++i) {
                                           sum += args.in(1)[i] * args.in(1)[i];
                                         }
                                         args.out(0)[block] = sum;
                                       }
                                     },
                                     [](const Body&, const Args& args) {
                                       return Grid{blocks_for(args.u32(2)), 1};
                                     },
                                     true};

constexpr KernelDef kScale = {"grad_scale", R"cuda(
extern "C" __global__ void grad_scale(float* gradient, float scale, unsigned n) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) gradient[i] *= scale;
}
)cuda",
                              [](const Body&, const Args& args) {
                                for (std::size_t i = 0; i < args.u32(2); ++i) args.out(0)[i] *= args.f32(1);
                              },
                              [](const Body&, const Args& args) {
                                return Grid{blocks_for(args.u32(2)), 1};
                              }};

// Arguments: weight, first moment, second moment, gradient, learning rate, weight decay, 1 - beta1^t, 1 - beta2^t, n.
void adamw_cpu(const Body& body, const Args& args) {
  const float beta1 = body.f32("beta1");
  const float beta2 = body.f32("beta2");
  for (std::size_t i = 0; i < args.u32(8); ++i) {
    const float g = args.in(3)[i];
    const float m = beta1 * args.out(1)[i] + (1.0f - beta1) * g;
    const float v = beta2 * args.out(2)[i] + (1.0f - beta2) * g * g;
    args.out(1)[i] = m;
    args.out(2)[i] = v;
    const float update = (m / args.f32(6)) / (std::sqrt(v / args.f32(7)) + body.f32("eps"));
    args.out(0)[i] -= args.f32(4) * (update + args.f32(5) * args.out(0)[i]);
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
