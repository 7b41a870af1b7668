// Matrix products of a linear layer. Weights are [n, k], as checkpoints hold them: y = x W^T, dx = dy W, dW += dy^T x.
#include <array>

#include "runner/workload/kernels/kernel.hpp"

namespace smgate::workload {

namespace {

constexpr std::uint32_t kTile = 16;  // 256 threads a block, 2 KB of shared memory

// A dot product in eight fixed lanes: the compiler may use vectors of any width, the rounding stays the same.
float dot(const float* a, const float* b, std::size_t count) {
  constexpr std::size_t kLanes = 8;
  std::array<float, kLanes> lanes{};
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += a[i + lane] * b[i + lane];
  }
  for (; i < count; ++i) lanes[i % kLanes] += a[i] * b[i];
  float sum = 0.0f;
  for (const float lane : lanes) sum += lane;
  return sum;
}

void add_scaled(float* __restrict out, float scale, const float* __restrict in, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) out[i] += scale * in[i];
}

void forward_cpu(const Body& body, const Args& args) {
  const std::size_t k = body.u32("k");
  const std::size_t n = body.u32("n");
  for (std::size_t row = 0; row < body.u32("m"); ++row) {
    for (std::size_t column = 0; column < n; ++column) {
      args.out(0)[row * n + column] = dot(args.in(1) + row * k, args.in(2) + column * k, k);
    }
  }
}

void backward_a_cpu(const Body& body, const Args& args) {
  const std::size_t k = body.u32("k");
  const std::size_t n = body.u32("n");
  for (std::size_t row = 0; row < body.u32("m"); ++row) {
    float* dx = args.out(0) + row * k;
    for (std::size_t i = 0; i < k; ++i) dx[i] = 0.0f;
    for (std::size_t column = 0; column < n; ++column) {
      add_scaled(dx, args.in(1)[row * n + column], args.in(2) + column * k, k);
    }
  }
}

void backward_b_cpu(const Body& body, const Args& args) {
  const std::size_t k = body.u32("k");
  const std::size_t n = body.u32("n");
  for (std::size_t row = 0; row < body.u32("m"); ++row) {
    for (std::size_t column = 0; column < n; ++column) {
      add_scaled(args.out(0) + column * k, args.in(1)[row * n + column], args.in(2) + row * k, k);
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
