// Token embedding: rows of a table, and the sum of gradients into the rows that were read.
#include "runner/workload/kernels/kernel.hpp"

namespace smgate::workload {

namespace {

void forward_cpu(const Body& body, const Args& args) {
  const std::size_t hidden = body.u32("hidden");
  for (std::size_t row = 0; row < args.u32(3); ++row) {
    const float* entry = args.in(2) + static_cast<std::size_t>(args.tokens(1)[row]) * hidden;
    float* out = args.out(0) + row * hidden;
    for (std::size_t i = 0; i < hidden; ++i) out[i] = entry[i];
  }
}

constexpr KernelDef kForward = {"embedding_forward", R"cuda(
extern "C" __global__ void embedding_forward(float* out, const int* tokens, const float* table, unsigned rows) {
  const unsigned row = blockIdx.x;
  if (row >= rows) return;
  const float* entry = table + (unsigned long long)tokens[row] * HIDDEN;
  for (unsigned i = threadIdx.x; i < HIDDEN; i += blockDim.x) out[(unsigned long long)row * HIDDEN + i] = entry[i];
}
)cuda",
                                forward_cpu, [](const Body&, const Args& args) {
                                  return Grid{args.u32(3), 1};
                                }};

// A thread owns a column of the table: rows that hold the same token never race, and the order of sums is fixed.
void backward_cpu(const Body& body, const Args& args) {
  const std::size_t hidden = body.u32("hidden");
  for (std::size_t row = 0; row < args.u32(3); ++row) {
    float* entry = args.out(0) + static_cast<std::size_t>(args.tokens(1)[row]) * hidden;
    const float* dout = args.in(2) + row * hidden;
    for (std::size_t i = 0; i < hidden; ++i) entry[i] += dout[i];
  }
}

constexpr KernelDef kBackward = {"embedding_backward", R"cuda(
extern "C" __global__ void embedding_backward(float* dtable, const int* tokens, const float* dout, unsigned rows) {
  const unsigned column = blockIdx.x * blockDim.x + threadIdx.x;
  if (column >= HIDDEN) return;
  for (unsigned row = 0; row < rows; ++row) {
    dtable[(unsigned long long)tokens[row] * HIDDEN + column] += dout[(unsigned long long)row * HIDDEN + column];
  }
}
)cuda",
                                 backward_cpu, [](const Body& body, const Args&) {
                                   return Grid{blocks_for(body.u32("hidden")), 1};
                                 }};

}  // namespace

namespace keys {
std::string embedding_forward(std::uint32_t hidden) { return join_key("embedding_forward", {hidden}); }
std::string embedding_backward(std::uint32_t hidden) { return join_key("embedding_backward", {hidden}); }
}  // namespace keys

namespace bodies {
Body embedding_forward(std::uint32_t hidden) { return Body(kForward, {uint_param("hidden", hidden)}); }
Body embedding_backward(std::uint32_t hidden) { return Body(kBackward, {uint_param("hidden", hidden)}); }
}  // namespace bodies

}  // namespace smgate::workload
