// Keys and bodies of every kernel that the workload uses. Both the pre-warm lists and the forward and backward passes
// build theirs by these functions, and by nothing else. Pure; any thread.
//
// Grammar of a key: name, then decimal shape tokens, then float tokens as a short name and the eight hex digits of the
// IEEE 754 bits: batched_rmsnorm_fwd_96_eps358637bd.
#pragma once

#include <cstdint>
#include <string>

#include "smgate/kernel.hpp"

namespace smgate::workload {

// Decay rates and epsilon of AdamW (Loshchilov and Hutter, 2019); learning rate and step are arguments of the launch.
struct AdamParams {
  float beta1;
  float beta2;
  float eps;
};

// Heads that share one sequence length: queries of `heads`, keys and values of `kv_heads` (grouped-query attention).
struct AttentionShape {
  std::uint32_t heads;
  std::uint32_t kv_heads;
  std::uint32_t head_dim;
  std::uint32_t seq;
};

// Rows by inner by columns: activations [m, k] times weights [n, k] give [m, n].
struct GemmShape {
  std::uint32_t m;
  std::uint32_t k;
  std::uint32_t n;
};

namespace keys {
std::string silu_forward();
std::string silu_backward();
std::string elementwise_mul_forward();
std::string residual_add_forward();
std::string bias_add_forward();
std::string bias_grad_reduce();
std::string batched_softmax_forward();
std::string batched_softmax_backward();
std::string embedding_forward(std::uint32_t hidden);
std::string embedding_backward(std::uint32_t hidden);
std::string rmsnorm_forward(std::uint32_t hidden, float eps);
std::string rmsnorm_backward();
std::string rms_norm_gamma_reduce();
std::string rope_forward(std::uint32_t heads, std::uint32_t head_dim, std::uint32_t seq, float theta);
std::string rope_backward(std::uint32_t heads, std::uint32_t head_dim, std::uint32_t seq, float theta);
std::string gemm_forward(GemmShape shape);
std::string gemm_backward_a(GemmShape shape);
std::string gemm_backward_b(GemmShape shape);
std::string attention_scores_forward(AttentionShape shape);
std::string attention_scores_backward_q(AttentionShape shape);
std::string attention_scores_backward_k(AttentionShape shape);
std::string attention_context_forward(AttentionShape shape);
std::string attention_context_backward_p(AttentionShape shape);
std::string attention_context_backward_v(AttentionShape shape);
std::string kd_loss(std::uint32_t vocab, float alpha, float temperature);
std::string grad_norm_partials();
std::string grad_scale();
std::string adamw_step(AdamParams params);
}  // namespace keys

namespace bodies {
Body silu_forward();
Body silu_backward();
Body elementwise_mul_forward();
Body residual_add_forward();
Body bias_add_forward();
Body bias_grad_reduce();
Body batched_softmax_forward();
Body batched_softmax_backward();
Body embedding_forward(std::uint32_t hidden);
Body embedding_backward(std::uint32_t hidden);
Body rmsnorm_forward(std::uint32_t hidden, float eps);
Body rmsnorm_backward();
Body rms_norm_gamma_reduce();
Body rope_forward(std::uint32_t heads, std::uint32_t head_dim, std::uint32_t seq, float theta);
Body rope_backward(std::uint32_t heads, std::uint32_t head_dim, std::uint32_t seq, float theta);
Body gemm_forward(GemmShape shape);
Body gemm_backward_a(GemmShape shape);
Body gemm_backward_b(GemmShape shape);
Body attention_scores_forward(AttentionShape shape);
Body attention_scores_backward_q(AttentionShape shape);
Body attention_scores_backward_k(AttentionShape shape);
Body attention_context_forward(AttentionShape shape);
Body attention_context_backward_p(AttentionShape shape);
Body attention_context_backward_v(AttentionShape shape);
Body kd_loss(std::uint32_t vocab, float alpha, float temperature);
Body grad_norm_partials();
Body grad_scale();
Body adamw_step(AdamParams params);
}  // namespace bodies

}  // namespace smgate::workload
