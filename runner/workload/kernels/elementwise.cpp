// Kernels that take one element a thread: activations, products, residuals, biases.
#include <cmath>

#include "runner/workload/kernels/kernel.hpp"

namespace smgate::workload {

namespace {

// The last argument of these kernels is their count of elements.
Grid per_element(const Body&, const Args& args) { return {blocks_for(args.u32(args.all().size() - 1)), 1}; }

float sigmoid(float x) { return 1.0f / (1.0f + std::exp(-x)); }

void silu_forward_cpu(const Body&, const Args& args) {
  float* out = args.out(0);
  const float* x = args.in(1);
  const std::size_t n = args.u32(2);
  for (std::size_t i = 0; i < n; ++i) out[i] = x[i] * sigmoid(x[i]);
}

constexpr KernelDef kSiluForward = {"silu_forward", R"cuda(
extern "C" __global__ void silu_forward(float* out, const float* x, unsigned n) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) out[i] = x[i] / (1.0f + expf(-x[i]));
}
)cuda",
                                    silu_forward_cpu, per_element};

void silu_backward_cpu(const Body&, const Args& args) {
  float* dx = args.out(0);
  const float* dout = args.in(1);
  const float* x = args.in(2);
  const std::size_t n = args.u32(3);
  for (std::size_t i = 0; i < n; ++i) {
    const float s = sigmoid(x[i]);
    dx[i] = dout[i] * s * (1.0f + x[i] * (1.0f - s));
  }
}

constexpr KernelDef kSiluBackward = {"silu_backward", R"cuda(
extern "C" __global__ void silu_backward(float* dx, const float* dout, const float* x, unsigned n) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const float s = 1.0f / (1.0f + expf(-x[i]));
  dx[i] = dout[i] * s * (1.0f + x[i] * (1.0f - s));
}
)cuda",
                                     silu_backward_cpu, per_element};

void elementwise_mul_cpu(const Body&, const Args& args) {
  float* out = args.out(0);
  const float* a = args.in(1);
  const float* b = args.in(2);
  const std::size_t n = args.u32(3);
  for (std::size_t i = 0; i < n; ++i) out[i] = a[i] * b[i];
}

constexpr KernelDef kElementwiseMul = {"elementwise_mul_forward", R"cuda(
extern "C" __global__ void elementwise_mul_forward(float* out, const float* a, const float* b, unsigned n) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) out[i] = a[i] * b[i];
}
)cuda",
                                       elementwise_mul_cpu, per_element};

void residual_add_cpu(const Body&, const Args& args) {
  float* out = args.out(0);
  const float* a = args.in(1);
  const float* b = args.in(2);
  const std::size_t n = args.u32(3);
  for (std::size_t i = 0; i < n; ++i) out[i] = a[i] + b[i];
}

constexpr KernelDef kResidualAdd = {"residual_add_forward", R"cuda(
extern "C" __global__ void residual_add_forward(float* out, const float* a, const float* b, unsigned n) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) out[i] = a[i] + b[i];
}
)cuda",
                                    residual_add_cpu, per_element};

// out (rows x columns) += bias (columns)
void bias_add_cpu(const Body&, const Args& args) {
  float* out = args.out(0);
  const float* bias = args.in(1);
  const std::size_t columns = args.u32(2);
  const std::size_t n = args.u32(3);
  for (std::size_t i = 0; i < n; ++i) out[i] += bias[i % columns];
}

constexpr KernelDef kBiasAdd = {"bias_add_forward", R"cuda(
extern "C" __global__ void bias_add_forward(float* out, const float* bias, unsigned columns, unsigned n) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) out[i] += bias[i % columns];
}
)cuda",
                                bias_add_cpu, per_element};

// dbias (columns) += the sum of dout's rows; a thread owns a column, so the order of the sum is fixed.
void bias_grad_reduce_cpu(const Body&, const Args& args) {
  const float* dout = args.in(1);
  const std::size_t rows = args.u32(2);
  const std::size_t columns = args.u32(3);
  for (std::size_t column = 0; column < columns; ++column) {
    float sum = 0.0f;
    for (std::size_t row = 0; row < rows; ++row) sum += dout[row * columns + column];
    args.out(0)[column] += sum;
  }
}

constexpr KernelDef kBiasGradReduce = {"bias_grad_reduce", R"cuda(
extern "C" __global__ void bias_grad_reduce(float* dbias, const float* dout, unsigned rows, unsigned columns) {
  const unsigned column = blockIdx.x * blockDim.x + threadIdx.x;
  if (column >= columns) return;
  float sum = 0.0f;
  for (unsigned row = 0; row < rows; ++row) sum += dout[(unsigned long long)row * columns + column];
  dbias[column] += sum;
}
)cuda",
                                       bias_grad_reduce_cpu, per_element};

}  // namespace

namespace keys {
std::string silu_forward() { return "silu_forward"; }
std::string silu_backward() { return "silu_backward"; }
std::string elementwise_mul_forward() { return "elementwise_mul_forward"; }
std::string residual_add_forward() { return "residual_add_forward"; }
std::string bias_add_forward() { return "bias_add_forward"; }
std::string bias_grad_reduce() { return "bias_grad_reduce"; }
}  // namespace keys

namespace bodies {
Body silu_forward() { return Body(kSiluForward); }
Body silu_backward() { return Body(kSiluBackward); }
Body elementwise_mul_forward() { return Body(kElementwiseMul); }
Body residual_add_forward() { return Body(kResidualAdd); }
Body bias_add_forward() { return Body(kBiasAdd); }
Body bias_grad_reduce() { return Body(kBiasGradReduce); }
}  // namespace bodies

}  // namespace smgate::workload
