// Knowledge distillation (Hinton, Vinyals, Dean, 2015): alpha * CE(student, labels) + (1 - alpha) * T^2 *
// KL(teacher_T || student_T), with its gradient by the student's logits, a row at a time.
#include <algorithm>
#include <cmath>

#include "runner/workload/kernels/kernel.hpp"

namespace smgate::workload {

namespace {

// log(sum(exp(logits / temperature))), computed from the greatest logit down.
float log_sum_exp(const float* logits, std::size_t count, float temperature) {
  const float top = *std::max_element(logits, logits + count) / temperature;
  float sum = 0.0f;
  for (std::size_t i = 0; i < count; ++i) sum += std::exp(logits[i] / temperature - top);
  return top + std::log(sum);
}

// Arguments: dlogits, row losses (rows x 2: ce, kl), student logits, teacher logits, labels, rows.
void kd_loss_cpu(const Body& body, const Args& args) {
  const std::size_t vocab = body.u32("vocab");
  const float alpha = body.f32("alpha");
  const float t = body.f32("temperature");
  const std::uint32_t rows = args.u32(5);
  const float share = 1.0f / static_cast<float>(rows);
  for (std::size_t row = 0; row < rows; ++row) {
    const float* s = args.in(2) + row * vocab;
    const float* teacher = args.in(3) + row * vocab;
    float* dlogits = args.out(0) + row * vocab;
    const auto label = static_cast<std::size_t>(args.tokens(4)[row]);
    const float lse = log_sum_exp(s, vocab, 1.0f);
    const float student_lse = log_sum_exp(s, vocab, t);
    const float teacher_lse = log_sum_exp(teacher, vocab, t);
    float kl = 0.0f;
    for (std::size_t i = 0; i < vocab; ++i) {
      const float log_p = teacher[i] / t - teacher_lse;
      const float log_q = s[i] / t - student_lse;
      kl += std::exp(log_p) * (log_p - log_q);
      const float hard = std::exp(s[i] - lse) - (i == label ? 1.0f : 0.0f);
      const float soft = t * (std::exp(log_q) - std::exp(log_p));
      dlogits[i] = share * (alpha * hard + (1.0f - alpha) * soft);
    }
    args.out(1)[2 * row] = lse - s[label];
    args.out(1)[2 * row + 1] = kl;
  }
}

constexpr KernelDef kKdLoss = {"kd_loss", R"cuda(
__device__ float log_sum_exp(const float* logits, float temperature) {
  float top = __uint_as_float(0xff800000u);  // -infinity
  for (unsigned i = threadIdx.x; i < VOCAB; i += blockDim.x) top = fmaxf(top, logits[i]);
  top = block_max(top) / temperature;
  float sum = 0.0f;
  for (unsigned i = threadIdx.x; i < VOCAB; i += blockDim.x) sum += expf(logits[i] / temperature - top);
  return top + logf(block_sum(sum));
}
extern "C" __global__ void kd_loss(float* dlogits, float* losses, const float* student, const float* teacher,
                                   const int* labels, unsigned rows) {
  const unsigned row = blockIdx.x;
  if (row >= rows) return;
  const unsigned long long start = (unsigned long long)row * VOCAB;
  const unsigned label = (unsigned)labels[row];
  const float lse = log_sum_exp(student + start, 1.0f);
  const float student_lse = log_sum_exp(student + start, TEMPERATURE);
  const float teacher_lse = log_sum_exp(teacher + start, TEMPERATURE);
  float kl = 0.0f;
  for (unsigned i = threadIdx.x; i < VOCAB; i += blockDim.x) {
    const float log_p = teacher[start + i] / TEMPERATURE - teacher_lse;
    const float log_q = student[start + i] / TEMPERATURE - student_lse;
    kl += expf(log_p) * (log_p - log_q);
    const float hard = expf(student[start + i] - lse) - (i == label ? 1.0f : 0.0f);
    const float soft = TEMPERATURE * (expf(log_q) - expf(log_p));
    dlogits[start + i] = (ALPHA * hard + (1.0f - ALPHA) * soft) / (float)rows;
  }
  kl = block_sum(kl);
  if (threadIdx.x == 0) {
    losses[2u * row] = lse - student[start + label];
    losses[2u * row + 1u] = kl;
  }
}
)cuda",
                               kd_loss_cpu,
                               [](const Body&, const Args& args) {
                                 return Grid{args.u32(5), 1};
                               },
                               true};

}  // namespace

namespace keys {
std::string kd_loss(std::uint32_t vocab, float alpha, float temperature) {
  return join_key("kd_loss", {vocab}) + float_token("al", alpha) + float_token("t", temperature);
}
}  // namespace keys

namespace bodies {
Body kd_loss(std::uint32_t vocab, float alpha, float temperature) {
  return Body(kKdLoss,
              {uint_param("vocab", vocab), float_param("alpha", alpha), float_param("temperature", temperature)});
}
}  // namespace bodies

}  // namespace smgate::workload
