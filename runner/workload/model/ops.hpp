// The operations of a step, each by name: builds the key and the body that it needs now, asks the cache, launches. This
// is the run-time side; pre-warm lists build theirs apart. What every operation takes last is the line that asks for
// it, for the events. Owned by a model or the trainer; one thread.
#pragma once

#include <cstdint>
#include <string>

#include "runner/workload/device/backend.hpp"
#include "smgate/kernel_cache.hpp"
#include "smgate/keys.hpp"

namespace smgate::workload {

class Ops {
 public:
  using Here = events::Here;

  // `scope`: whose pre-warm should have compiled what is asked for here.
  Ops(KernelCache& cache, Backend& backend, std::string scope)
      : cache_(cache), backend_(backend), scope_(std::move(scope)) {}

  void embedding(float* out, const std::int32_t* tokens, const float* table, std::uint32_t rows, std::uint32_t hidden,
                 Here at = Here::now()) const;
  void embedding_backward(float* dtable, const std::int32_t* tokens, const float* dout, std::uint32_t rows,
                          std::uint32_t hidden, Here at = Here::now()) const;
  void rmsnorm(float* out, float* inverse, const float* x, const float* gamma, std::uint32_t rows, std::uint32_t hidden,
               float eps, Here at = Here::now()) const;
  // Of every backward operation: where the gradient of a weight is nullptr, the weight is not trained and the kernel
  // for its gradient is not asked for. dgamma grows; dx and partial (rows x hidden) are overwritten.
  void rmsnorm_backward(float* dx, float* dgamma, float* partial, const float* dout, const float* x, const float* gamma,
                        const float* inverse, std::uint32_t rows, std::uint32_t hidden, Here at = Here::now()) const;
  void rope(float* x, std::uint32_t rows, std::uint32_t heads, AttentionShape shape, float theta,
            Here at = Here::now()) const;
  void rope_backward(float* dx, std::uint32_t rows, std::uint32_t heads, AttentionShape shape, float theta,
                     Here at = Here::now()) const;

  void gemm(float* y, const float* x, const float* w, GemmShape shape, Here at = Here::now()) const;
  void library_gemm(float* y, const float* x, const float* w, GemmShape shape) const;
  void gemm_backward_a(float* dx, const float* dy, const float* w, GemmShape shape, Here at = Here::now()) const;
  void gemm_backward_b(float* dw, const float* dy, const float* x, GemmShape shape,
                       Here at = Here::now()) const;  // dw grows
  void bias_add(float* out, const float* bias, std::uint32_t rows, std::uint32_t columns, Here at = Here::now()) const;
  void bias_grad(float* dbias, const float* dout, std::uint32_t rows, std::uint32_t columns,
                 Here at = Here::now()) const;  // dbias grows

  void attention_scores(float* scores, const float* q, const float* k, AttentionShape shape, std::uint32_t batch,
                        Here at = Here::now()) const;
  void attention_scores_backward(float* dq, float* dk, const float* dscores, const float* q, const float* k,
                                 AttentionShape shape, std::uint32_t batch, Here at = Here::now()) const;
  void attention_context(float* out, const float* p, const float* v, AttentionShape shape, std::uint32_t batch,
                         Here at = Here::now()) const;
  void attention_context_backward(float* dp, float* dv, const float* dout, const float* p, const float* v,
                                  AttentionShape shape, std::uint32_t batch, Here at = Here::now()) const;
  void softmax(float* out, const float* in, std::uint32_t rows, std::uint32_t columns, Here at = Here::now()) const;
  void softmax_backward(float* din, const float* dout, const float* out, std::uint32_t rows, std::uint32_t columns,
                        Here at = Here::now()) const;

  void silu(float* out, const float* x, std::uint32_t count, Here at = Here::now()) const;
  void silu_backward(float* dx, const float* dout, const float* x, std::uint32_t count, Here at = Here::now()) const;
  void multiply(float* out, const float* a, const float* b, std::uint32_t count, Here at = Here::now()) const;
  void add(float* out, const float* a, const float* b, std::uint32_t count, Here at = Here::now()) const;

  // losses: rows x (ce, kl)
  void kd_loss(float* dlogits, float* losses, const float* student, const float* teacher, const std::int32_t* labels,
               std::uint32_t rows, std::uint32_t vocab, float alpha, float temperature, Here at = Here::now()) const;
  void grad_norm_partials(float* partials, const float* gradient, std::uint32_t count, Here at = Here::now()) const;
  void grad_scale(float* gradient, float scale, std::uint32_t count, Here at = Here::now()) const;
  struct AdamState {
    float* weight;
    float* moment;
    float* variance;
    const float* gradient;
    std::uint32_t count;
  };
  void adamw(const AdamState& state, AdamParams params, float learning_rate, float weight_decay, std::uint32_t step,
             Here at = Here::now()) const;

 private:
  void run(const std::string& key, const Body& body, const Args& args, Here at) const;

  KernelCache& cache_;
  Backend& backend_;
  std::string scope_;
};

}  // namespace smgate::workload
