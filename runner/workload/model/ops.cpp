#include "runner/workload/model/ops.hpp"

#include <cmath>

namespace smgate::workload {

void Ops::run(const std::string& key, const Body& body, const Args& args, events::Here at) const {
  backend_.launch(cache_.get_or_compile(scope_, key, body, at), body.kernel(), args);
}

void Ops::embedding(float* out, const std::int32_t* tokens, const float* table, std::uint32_t rows,
                    std::uint32_t hidden, events::Here at) const {
  run(keys::embedding_forward(hidden), bodies::embedding_forward(hidden), {out, tokens, table, rows}, at);
}

void Ops::embedding_backward(float* dtable, const std::int32_t* tokens, const float* dout, std::uint32_t rows,
                             std::uint32_t hidden, events::Here at) const {
  if (dtable == nullptr) return;
  run(keys::embedding_backward(hidden), bodies::embedding_backward(hidden), {dtable, tokens, dout, rows}, at);
}

void Ops::rmsnorm(float* out, float* inverse, const float* x, const float* gamma, std::uint32_t rows,
                  std::uint32_t hidden, float eps, events::Here at) const {
  run(keys::rmsnorm_forward(hidden, eps), bodies::rmsnorm_forward(hidden, eps), {out, inverse, x, gamma, rows}, at);
}

void Ops::rmsnorm_backward(float* dx, float* dgamma, float* partial, const float* dout, const float* x,
                           const float* gamma, const float* inverse, std::uint32_t rows, std::uint32_t hidden,
                           events::Here at) const {
  run(keys::rmsnorm_backward(), bodies::rmsnorm_backward(), {dx, partial, dout, x, gamma, inverse, rows, hidden}, at);
  if (dgamma == nullptr) return;
  run(keys::rms_norm_gamma_reduce(), bodies::rms_norm_gamma_reduce(), {dgamma, partial, rows, hidden}, at);
}

void Ops::rope(float* x, std::uint32_t rows, std::uint32_t heads, AttentionShape shape, float theta,
               events::Here at) const {
  run(keys::rope_forward(heads, shape.head_dim, shape.seq, theta),
      bodies::rope_forward(heads, shape.head_dim, shape.seq, theta), {x, rows}, at);
}

void Ops::rope_backward(float* dx, std::uint32_t rows, std::uint32_t heads, AttentionShape shape, float theta,
                        events::Here at) const {
  run(keys::rope_backward(heads, shape.head_dim, shape.seq, theta),
      bodies::rope_backward(heads, shape.head_dim, shape.seq, theta), {dx, rows}, at);
}

void Ops::gemm(float* y, const float* x, const float* w, GemmShape shape, events::Here at) const {
  run(keys::gemm_forward(shape), bodies::gemm_forward(shape), {y, x, w}, at);
}

void Ops::library_gemm(float* y, const float* x, const float* w, GemmShape shape) const {
  backend_.library_gemm(shape, y, x, w);
}

void Ops::gemm_backward_a(float* dx, const float* dy, const float* w, GemmShape shape, events::Here at) const {
  run(keys::gemm_backward_a(shape), bodies::gemm_backward_a(shape), {dx, dy, w}, at);
}

void Ops::gemm_backward_b(float* dw, const float* dy, const float* x, GemmShape shape, events::Here at) const {
  if (dw == nullptr) return;
  run(keys::gemm_backward_b(shape), bodies::gemm_backward_b(shape), {dw, dy, x}, at);
}

void Ops::bias_add(float* out, const float* bias, std::uint32_t rows, std::uint32_t columns, events::Here at) const {
  run(keys::bias_add_forward(), bodies::bias_add_forward(), {out, bias, columns, rows * columns}, at);
}

void Ops::bias_grad(float* dbias, const float* dout, std::uint32_t rows, std::uint32_t columns, events::Here at) const {
  if (dbias == nullptr) return;
  run(keys::bias_grad_reduce(), bodies::bias_grad_reduce(), {dbias, dout, rows, columns}, at);
}

void Ops::attention_scores(float* scores, const float* q, const float* k, AttentionShape shape, std::uint32_t batch,
                           events::Here at) const {
  run(keys::attention_scores_forward(shape), bodies::attention_scores_forward(shape), {scores, q, k, batch}, at);
}

void Ops::attention_scores_backward(float* dq, float* dk, const float* dscores, const float* q, const float* k,
                                    AttentionShape shape, std::uint32_t batch, events::Here at) const {
  run(keys::attention_scores_backward_q(shape), bodies::attention_scores_backward_q(shape), {dq, dscores, k, batch},
      at);
  run(keys::attention_scores_backward_k(shape), bodies::attention_scores_backward_k(shape), {dk, dscores, q, batch},
      at);
}

void Ops::attention_context(float* out, const float* p, const float* v, AttentionShape shape, std::uint32_t batch,
                            events::Here at) const {
  run(keys::attention_context_forward(shape), bodies::attention_context_forward(shape), {out, p, v, batch}, at);
}

void Ops::attention_context_backward(float* dp, float* dv, const float* dout, const float* p, const float* v,
                                     AttentionShape shape, std::uint32_t batch, events::Here at) const {
  run(keys::attention_context_backward_p(shape), bodies::attention_context_backward_p(shape), {dp, dout, v, batch}, at);
  run(keys::attention_context_backward_v(shape), bodies::attention_context_backward_v(shape), {dv, p, dout, batch}, at);
}

void Ops::softmax(float* out, const float* in, std::uint32_t rows, std::uint32_t columns, events::Here at) const {
  run(keys::batched_softmax_forward(), bodies::batched_softmax_forward(), {out, in, rows, columns}, at);
}

void Ops::softmax_backward(float* din, const float* dout, const float* out, std::uint32_t rows, std::uint32_t columns,
                           events::Here at) const {
  run(keys::batched_softmax_backward(), bodies::batched_softmax_backward(), {din, dout, out, rows, columns}, at);
}

void Ops::silu(float* out, const float* x, std::uint32_t count, events::Here at) const {
  run(keys::silu_forward(), bodies::silu_forward(), {out, x, count}, at);
}

void Ops::silu_backward(float* dx, const float* dout, const float* x, std::uint32_t count, events::Here at) const {
  run(keys::silu_backward(), bodies::silu_backward(), {dx, dout, x, count}, at);
}

void Ops::multiply(float* out, const float* a, const float* b, std::uint32_t count, events::Here at) const {
  run(keys::elementwise_mul_forward(), bodies::elementwise_mul_forward(), {out, a, b, count}, at);
}

void Ops::add(float* out, const float* a, const float* b, std::uint32_t count, events::Here at) const {
  run(keys::residual_add_forward(), bodies::residual_add_forward(), {out, a, b, count}, at);
}

void Ops::kd_loss(float* dlogits, float* losses, const float* student, const float* teacher, const std::int32_t* labels,
                  std::uint32_t rows, std::uint32_t vocab, float alpha, float temperature, events::Here at) const {
  run(keys::kd_loss(vocab, alpha, temperature), bodies::kd_loss(vocab, alpha, temperature),
      {dlogits, losses, student, teacher, labels, rows}, at);
}

void Ops::grad_norm_partials(float* partials, const float* gradient, std::uint32_t count, events::Here at) const {
  run(keys::grad_norm_partials(), bodies::grad_norm_partials(), {partials, gradient, count}, at);
}

void Ops::grad_scale(float* gradient, float scale, std::uint32_t count, events::Here at) const {
  run(keys::grad_scale(), bodies::grad_scale(), {gradient, scale, count}, at);
}

void Ops::adamw(const AdamState& state, AdamParams params, float learning_rate, float weight_decay, std::uint32_t step,
                events::Here at) const {
  const auto exponent = static_cast<float>(step + 1);
  const float correction1 = 1.0f - std::pow(params.beta1, exponent);
  const float correction2 = 1.0f - std::pow(params.beta2, exponent);
  run(keys::adamw_step(params), bodies::adamw_step(params),
      {state.weight, state.moment, state.variance, state.gradient, learning_rate, weight_decay, correction1,
       correction2, state.count},
      at);
}

}  // namespace smgate::workload
