// Matrix products of a linear layer. Weights are [n, k], as checkpoints hold them: y = x W^T, dx = dy W, dW += dy^T x.
#include <cstring>

#include "runner/workload/kernels/kernel.hpp"

namespace smgate::workload {

namespace {

constexpr std::uint32_t kTile = 16;  // 256 threads a block, 2 KB of shared memory

// Eight floats at once: a sanitizer checks such a load once, and whatever vectors the machine has, the order of a sum
// stays the same.
constexpr std::size_t kLanes = 8;
using Lanes [[gnu::vector_size(kLanes * sizeof(float))]] = float;

float dot(const float* a, const float* b, std::size_t count) {
  Lanes lanes = {};
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    Lanes x, y;
    std::memcpy(&x, a + i, sizeof x);
    std::memcpy(&y, b + i, sizeof y);
    lanes += x * y;
  }
  for (std::size_t lane = 0; i < count; ++i, ++lane) lanes[lane] += a[i] * b[i];
  float sum = 0.0f;
  for (std::size_t lane = 0; lane < kLanes; ++lane) sum += lanes[lane];
  return sum;
}

void add_scaled(float* __restrict out, float scale, const float* __restrict in, std::size_t count) {
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    Lanes x, y;
    std::memcpy(&x, in + i, sizeof x);
    std::memcpy(&y, out + i, sizeof y);
    y += scale * x;
    std::memcpy(out + i, &y, sizeof y);
  }
  for (; i < count; ++i) out[i] += scale * in[i];
}

void forward_cpu(const Body& body, const Args& args) {
  const std::size_t m = body.u32("m"), k = body.u32("k"), n = body.u32("n");
  float* y = args.out(0);
  const float* x = args.in(1);
  const float* w = args.in(2);
  for (std::size_t row = 0; row < m; ++row) {
    for (std::size_t column = 0; column < n; ++column) {
      y[row * n + column] = dot(x + row * k, w + column * k, k);
    }
  }
}

void backward_a_cpu(const Body& body, const Args& args) {
  const std::size_t m = body.u32("m"), k = body.u32("k"), n = body.u32("n");
  const float* dy = args.in(1);
  const float* w = args.in(2);
  for (std::size_t row = 0; row < m; ++row) {
    float* dx = args.out(0) + row * k;
    for (std::size_t i = 0; i < k; ++i) dx[i] = 0.0f;
    for (std::size_t column = 0; column < n; ++column) {
      add_scaled(dx, dy[row * n + column], w + column * k, k);
    }
  }
}

void backward_b_cpu(const Body& body, const Args& args) {
  const std::size_t m = body.u32("m"), k = body.u32("k"), n = body.u32("n");
  float* dw = args.out(0);
  const float* dy = args.in(1);
  const float* x = args.in(2);
  for (std::size_t row = 0; row < m; ++row) {
    for (std::size_t column = 0; column < n; ++column) {
      add_scaled(dw + column * k, dy[row * n + column], x + row * k, k);
    }
  }
}

std::uint32_t tiles(std::uint32_t count) { return (count + kTile - 1) / kTile; }

constexpr KernelDef kForward = {"gemm_forward", R"cuda(
extern "C" __global__ void gemm_forward(float* y, const float* x, const float* w) {
  __shared__ float xs[16][17];
  __shared__ float ws[16][17];
  const unsigned tx = threadIdx.x % 16u, ty = threadIdx.x / 16u;
  const unsigned row = blockIdx.y * 16u + ty, column = blockIdx.x * 16u + tx;
  const unsigned wrow = blockIdx.x * 16u + ty;
  float sum = 0.0f;
  for (unsigned base = 0; base < K; base += 16u) {
    const unsigned inner = base + tx;
    xs[ty][tx] = row < M && inner < K ? x[(unsigned long long)row * K + inner] : 0.0f;
    ws[ty][tx] = wrow < N && inner < K ? w[(unsigned long long)wrow * K + inner] : 0.0f;
    __syncthreads();
    for (unsigned i = 0; i < 16u; ++i) sum += xs[ty][i] * ws[tx][i];
    __syncthreads();
  }
  if (row < M && column < N) y[(unsigned long long)row * N + column] = sum;
}
)cuda",
                                forward_cpu, [](const Body& body, const Args&) {
                                  return Grid{tiles(body.u32("n")), tiles(body.u32("m"))};
                                }};

constexpr KernelDef kBackwardA = {"gemm_backward_a", R"cuda(
extern "C" __global__ void gemm_backward_a(float* dx, const float* dy, const float* w) {
  __shared__ float ys[16][17];
  __shared__ float ws[16][17];
  const unsigned tx = threadIdx.x % 16u, ty = threadIdx.x / 16u;
  const unsigned row = blockIdx.y * 16u + ty, column = blockIdx.x * 16u + tx;
  float sum = 0.0f;
  for (unsigned base = 0; base < N; base += 16u) {
    ys[ty][tx] = row < M && base + tx < N ? dy[(unsigned long long)row * N + base + tx] : 0.0f;
    ws[ty][tx] = base + ty < N && column < K ? w[(unsigned long long)(base + ty) * K + column] : 0.0f;
    __syncthreads();
    for (unsigned i = 0; i < 16u; ++i) sum += ys[ty][i] * ws[i][tx];
    __syncthreads();
  }
  if (row < M && column < K) dx[(unsigned long long)row * K + column] = sum;
}
)cuda",
                                  backward_a_cpu, [](const Body& body, const Args&) {
                                    return Grid{tiles(body.u32("k")), tiles(body.u32("m"))};
                                  }};

constexpr KernelDef kBackwardB = {"gemm_backward_b", R"cuda(
extern "C" __global__ void gemm_backward_b(float* dw, const float* dy, const float* x) {
  __shared__ float ys[16][17];
  __shared__ float xs[16][17];
  const unsigned tx = threadIdx.x % 16u, ty = threadIdx.x / 16u;
  const unsigned row = blockIdx.y * 16u + ty, column = blockIdx.x * 16u + tx;
  const unsigned out = blockIdx.y * 16u + tx;
  float sum = 0.0f;
  for (unsigned base = 0; base < M; base += 16u) {
    ys[ty][tx] = base + ty < M && out < N ? dy[(unsigned long long)(base + ty) * N + out] : 0.0f;
    xs[ty][tx] = base + ty < M && column < K ? x[(unsigned long long)(base + ty) * K + column] : 0.0f;
    __syncthreads();
    for (unsigned i = 0; i < 16u; ++i) sum += ys[i][ty] * xs[i][tx];
    __syncthreads();
  }
  if (row < N && column < K) dw[(unsigned long long)row * K + column] += sum;
}
)cuda",
                                  backward_b_cpu, [](const Body& body, const Args&) {
                                    return Grid{tiles(body.u32("k")), tiles(body.u32("n"))};
                                  }};

std::vector<Param> params(GemmShape shape) {
  return {uint_param("m", shape.m), uint_param("k", shape.k), uint_param("n", shape.n)};
}

}  // namespace

namespace keys {
std::string gemm_forward(GemmShape shape) { return join_key("gemm_forward", {shape.m, shape.k, shape.n}); }
std::string gemm_backward_a(GemmShape shape) { return join_key("gemm_backward_a", {shape.m, shape.k, shape.n}); }
std::string gemm_backward_b(GemmShape shape) { return join_key("gemm_backward_b", {shape.m, shape.k, shape.n}); }
}  // namespace keys

namespace bodies {
Body gemm_forward(GemmShape shape) { return Body(kForward, params(shape)); }
Body gemm_backward_a(GemmShape shape) { return Body(kBackwardA, params(shape)); }
Body gemm_backward_b(GemmShape shape) { return Body(kBackwardB, params(shape)); }
}  // namespace bodies

}  // namespace smgate::workload
