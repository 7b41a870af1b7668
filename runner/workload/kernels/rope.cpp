// Rotary position embedding (Su et al., 2021) in place, in the half-split layout of Qwen2: element i turns with element
// i + head_dim / 2. Backward turns by the opposite angle.
#include <cmath>

#include "runner/workload/kernels/kernel.hpp"

namespace smgate::workload {

namespace {

// Arguments: x (rows x heads x head_dim), rows.
void rotate_cpu(const Body& body, const Args& args, double direction) {
  const std::size_t heads = body.u32("heads");
  const std::size_t half = body.u32("head_dim") / 2;
  const std::size_t seq = body.u32("seq");
  const auto theta = static_cast<double>(body.f32("theta"));
  for (std::size_t row = 0; row < args.u32(1); ++row) {
    const auto position = static_cast<double>(row % seq);
    for (std::size_t i = 0; i < half; ++i) {
      const double exponent = -static_cast<double>(i) / static_cast<double>(half);
      const double angle = direction * position * std::pow(theta, exponent);
      const auto cosine = static_cast<float>(std::cos(angle));
      const auto sine = static_cast<float>(std::sin(angle));
      for (std::size_t head = 0; head < heads; ++head) {
        float* x = args.out(0) + (row * heads + head) * 2 * half;
        const float low = x[i];
        const float high = x[i + half];
        x[i] = low * cosine - high * sine;
        x[i + half] = high * cosine + low * sine;
      }
    }
  }
}

Grid per_row(const Body&, const Args& args) { return {args.u32(1), 1}; }

constexpr KernelDef kForward = {"batched_rope_fwd", R"cuda(
extern "C" __global__ void batched_rope_fwd(float* x, unsigned rows) {
  const unsigned row = blockIdx.x;
  if (row >= rows) return;
  const unsigned half = HEAD_DIM / 2u;
  for (unsigned index = threadIdx.x; index < HEADS * half; index += blockDim.x) {
    const unsigned i = index % half;
    const float frequency = powf(THETA, -(float)i / (float)half);
    float sine, cosine;
    sincosf((float)(row % SEQ) * frequency, &sine, &cosine);
    float* pair = x + ((unsigned long long)row * HEADS + index / half) * HEAD_DIM + i;
    const float low = pair[0];
    const float high = pair[half];
    pair[0] = low * cosine - high * sine;
    pair[half] = high * cosine + low * sine;
  }
}
)cuda",
                                [](const Body& body, const Args& args) { rotate_cpu(body, args, 1.0); }, per_row};

constexpr KernelDef kBackward = {"batched_rope_bwd", R"cuda(
extern "C" __global__ void batched_rope_bwd(float* dx, unsigned rows) {
  const unsigned row = blockIdx.x;
  if (row >= rows) return;
  const unsigned half = HEAD_DIM / 2u;
  for (unsigned index = threadIdx.x; index < HEADS * half; index += blockDim.x) {
    const unsigned i = index % half;
    const float frequency = powf(THETA, -(float)i / (float)half);
    float sine, cosine;
    sincosf((float)(row % SEQ) * frequency, &sine, &cosine);
    float* pair = dx + ((unsigned long long)row * HEADS + index / half) * HEAD_DIM + i;
    const float low = pair[0];
    const float high = pair[half];
    pair[0] = low * cosine + high * sine;
    pair[half] = high * cosine - low * sine;
  }
}
)cuda",
                                 [](const Body& body, const Args& args) { rotate_cpu(body, args, -1.0); }, per_row};

std::vector<Param> params(std::uint32_t heads, std::uint32_t head_dim, std::uint32_t seq, float theta) {
  return {uint_param("heads", heads), uint_param("head_dim", head_dim), uint_param("seq", seq),
          float_param("theta", theta)};
}

}  // namespace

namespace keys {
std::string rope_forward(std::uint32_t heads, std::uint32_t head_dim, std::uint32_t seq, float theta) {
  return join_key("batched_rope_fwd", {heads, head_dim, seq}) + float_token("th", theta);
}
std::string rope_backward(std::uint32_t heads, std::uint32_t head_dim, std::uint32_t seq, float theta) {
  return join_key("batched_rope_bwd", {heads, head_dim, seq}) + float_token("th", theta);
}
}  // namespace keys

namespace bodies {
Body rope_forward(std::uint32_t heads, std::uint32_t head_dim, std::uint32_t seq, float theta) {
  return Body(kForward, params(heads, head_dim, seq, theta));
}
Body rope_backward(std::uint32_t heads, std::uint32_t head_dim, std::uint32_t seq, float theta) {
  return Body(kBackward, params(heads, head_dim, seq, theta));
}
}  // namespace bodies

}  // namespace smgate::workload
