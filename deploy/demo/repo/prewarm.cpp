// The pre-warm list of a distillation workload: every kernel that a step will ask for is compiled here, before the
// weights take the memory that the compiler needs and before the first stream runs.
//
//   g++ -std=c++20 -O2 prewarm.cpp -I<smgate>/runner/workload/include -L<libraries> -lsmgate_workload -ldl -o smoke
#include "smgate/workload.hpp"

using namespace smgate::workload;

#define WARM(cache, key, body) (cache).offer((key), (body))

namespace {

void warm_gemm(KernelCache& cache, GemmShape shape) {
  WARM(cache, keys::gemm_forward(shape), bodies::gemm_forward(shape));
}

void warm_gemm_backward(KernelCache& cache, GemmShape shape) {
  WARM(cache, keys::gemm_backward_a(shape), bodies::gemm_backward_a(shape));
  WARM(cache, keys::gemm_backward_b(shape), bodies::gemm_backward_b(shape));
}

void warm_rope(KernelCache& cache, std::uint32_t heads, const ModelShape& m, std::uint32_t seq) {
  WARM(cache, keys::rope_forward(heads, m.head_dim, seq, m.rope_theta),
       bodies::rope_forward(heads, m.head_dim, seq, m.rope_theta));
}

void warm_rope_backward(KernelCache& cache, std::uint32_t heads, const ModelShape& m, std::uint32_t seq) {
  WARM(cache, keys::rope_backward(heads, m.head_dim, seq, m.rope_theta),
       bodies::rope_backward(heads, m.head_dim, seq, m.rope_theta));
}

void warm_forward(KernelCache& cache, const RunConfig& config, const ModelShape& m) {
  const AttentionShape attention = config.attention(m);
  const std::uint32_t rows = config.rows();
  WARM(cache, keys::silu_forward(), bodies::silu_forward());
  WARM(cache, keys::elementwise_mul_forward(), bodies::elementwise_mul_forward());
  WARM(cache, keys::residual_add_forward(), bodies::residual_add_forward());
  WARM(cache, keys::bias_add_forward(), bodies::bias_add_forward());
  WARM(cache, keys::batched_softmax_forward(), bodies::batched_softmax_forward());
  WARM(cache, keys::embedding_forward(m.hidden), bodies::embedding_forward(m.hidden));
  WARM(cache, keys::rmsnorm_forward(m.hidden, m.rms_norm_eps), bodies::rmsnorm_forward(m.hidden, m.rms_norm_eps));
  WARM(cache, keys::attention_scores_forward(attention), bodies::attention_scores_forward(attention));
  WARM(cache, keys::attention_context_forward(attention), bodies::attention_context_forward(attention));
  warm_rope(cache, m.heads, m, config.seq);
  warm_rope(cache, m.kv_heads, m, config.seq);
  warm_gemm(cache, {rows, m.hidden, m.query_width()});
  warm_gemm(cache, {rows, m.hidden, m.kv_width()});
  warm_gemm(cache, {rows, m.query_width(), m.hidden});
  warm_gemm(cache, {rows, m.hidden, m.intermediate});
  warm_gemm(cache, {rows, m.intermediate, m.hidden});
  warm_gemm(cache, {rows, m.hidden, m.vocab});
}

void warm_teacher(KernelCache& cache, const RunConfig& config) { warm_forward(cache, config, config.teacher); }

void warm_student(KernelCache& cache, const RunConfig& config) { warm_forward(cache, config, config.student); }

void warm_student_backward(KernelCache& cache, const RunConfig& config) {
  const ModelShape& m = config.student;
  const AttentionShape attention = config.attention(m);
  const std::uint32_t rows = config.rows();
  WARM(cache, keys::silu_backward(), bodies::silu_backward());
  WARM(cache, keys::elementwise_mul_forward(), bodies::elementwise_mul_forward());
  WARM(cache, keys::residual_add_forward(), bodies::residual_add_forward());
  WARM(cache, keys::bias_grad_reduce(), bodies::bias_grad_reduce());
  WARM(cache, keys::batched_softmax_backward(), bodies::batched_softmax_backward());
  WARM(cache, keys::rmsnorm_backward(), bodies::rmsnorm_backward());
  WARM(cache, keys::rms_norm_gamma_reduce(), bodies::rms_norm_gamma_reduce());
  WARM(cache, keys::attention_scores_backward_q(attention), bodies::attention_scores_backward_q(attention));
  WARM(cache, keys::attention_scores_backward_k(attention), bodies::attention_scores_backward_k(attention));
  WARM(cache, keys::attention_context_backward_p(attention), bodies::attention_context_backward_p(attention));
  WARM(cache, keys::attention_context_backward_v(attention), bodies::attention_context_backward_v(attention));
  WARM(cache, keys::embedding_backward(m.hidden), bodies::embedding_backward(m.hidden));
  WARM(cache, keys::kd_loss(m.vocab, config.alpha, config.temperature),
       bodies::kd_loss(m.vocab, config.alpha, config.temperature));
  WARM(cache, keys::grad_norm_partials(), bodies::grad_norm_partials());
  WARM(cache, keys::grad_scale(), bodies::grad_scale());
  WARM(cache, keys::adamw_step(config.adam), bodies::adamw_step(config.adam));
  warm_rope_backward(cache, m.heads, m, config.seq);
  warm_rope_backward(cache, m.kv_heads, m, config.seq);
  warm_gemm_backward(cache, {rows, m.hidden, m.query_width()});
  warm_gemm_backward(cache, {rows, m.hidden, m.kv_width()});
  warm_gemm_backward(cache, {rows, m.query_width(), m.hidden});
  warm_gemm_backward(cache, {rows, m.hidden, m.intermediate});
  warm_gemm_backward(cache, {rows, m.intermediate, m.hidden});
  warm_gemm_backward(cache, {rows, m.hidden, m.vocab});
}

}  // namespace

int main(int argc, char** argv) { return smoke_main(argc, argv, {warm_teacher, warm_student, warm_student_backward}); }
