// The built-in pre-warm list: what a run of this configuration will ask for, written down apart from the passes that
// ask. The incident's pre-warm faults are made here, where they were made.
#include "runner/workload/cuda/prewarm.hpp"

#include "smgate/workload.hpp"

namespace smgate::workload {

namespace {

using events::Here;

constexpr float kStaleEps = 1e-5f;  // the default that the incident's pre-warm was written against

// Hands kernels to the cache, with the mistakes that were made in doing so.
class Warmer {
 public:
  Warmer(KernelCache& cache, Fault fault) : cache_(cache), fault_(fault) {}

  void warm(const std::string& key, const Body& body, Here at = Here::now()) const {
    // The incident's root cause: the macro took the key as an argument and ignored it.
    cache_.offer(fault_ == Fault::kSharedKey ? keys::silu_forward() : key, body, at);
  }

  void rmsnorm(const ModelShape& model, Here at = Here::now()) const {
    const float stale = fault_ == Fault::kWrongEps ? kStaleEps : model.rms_norm_eps;
    const float built = fault_ == Fault::kWrongBody ? kStaleEps : stale;
    std::string key = keys::rmsnorm_forward(model.hidden, stale);
    // The key's grammar grew an eps token that this line was not told of.
    if (fault_ == Fault::kShortKey) key = key.substr(0, key.rfind("_eps"));
    warm(key, bodies::rmsnorm_forward(model.hidden, built), at);
  }

  void rope(const ModelShape& model, std::uint32_t seq, Here at = Here::now()) const {
    if (fault_ == Fault::kShortKey) return;
    for (const std::uint32_t heads : {model.heads, model.kv_heads}) {
      warm(keys::rope_forward(heads, model.head_dim, seq, model.rope_theta),
           bodies::rope_forward(heads, model.head_dim, seq, model.rope_theta), at);
    }
  }

  void gemm(GemmShape shape, Here at = Here::now()) const {
    warm(keys::gemm_forward(shape), bodies::gemm_forward(shape), at);
  }

  void gemm_backward(GemmShape shape, bool trained, Here at = Here::now()) const {
    warm(keys::gemm_backward_a(shape), bodies::gemm_backward_a(shape), at);
    if (trained) warm(keys::gemm_backward_b(shape), bodies::gemm_backward_b(shape), at);
  }

 private:
  KernelCache& cache_;
  Fault fault_;
};

void warm_projections(const Warmer& warmer, const ModelShape& model, std::uint32_t rows) {
  warmer.gemm({rows, model.hidden, model.query_width()});
  warmer.gemm({rows, model.hidden, model.kv_width()});
  if (model.query_width() != model.hidden) warmer.gemm({rows, model.query_width(), model.hidden});
  warmer.gemm({rows, model.hidden, model.intermediate});
  warmer.gemm({rows, model.intermediate, model.hidden});
}

void warm_forward(KernelCache& cache, const RunConfig& config, const ModelShape& model, std::uint32_t lora_rank) {
  const Warmer warmer(cache, config.fault);
  const AttentionShape attention = config.attention(model);
  warmer.warm(keys::silu_forward(), bodies::silu_forward());
  warmer.warm(keys::elementwise_mul_forward(), bodies::elementwise_mul_forward());
  warmer.warm(keys::residual_add_forward(), bodies::residual_add_forward());
  warmer.warm(keys::bias_add_forward(), bodies::bias_add_forward());
  warmer.warm(keys::batched_softmax_forward(), bodies::batched_softmax_forward());
  warmer.warm(keys::embedding_forward(model.hidden), bodies::embedding_forward(model.hidden));
  warmer.rmsnorm(model);
  warmer.rope(model, config.seq);
  warmer.warm(keys::attention_scores_forward(attention), bodies::attention_scores_forward(attention));
  warmer.warm(keys::attention_context_forward(attention), bodies::attention_context_forward(attention));
  if (lora_rank > 0) {
    warmer.gemm({config.rows(), model.hidden, lora_rank});
    warmer.gemm({config.rows(), lora_rank, model.query_width()});
    warmer.gemm({config.rows(), lora_rank, model.kv_width()});
  }
  if (!model.library_gemms || config.fault == Fault::kUnusedPrewarm) warm_projections(warmer, model, config.rows());
  warmer.gemm({config.rows(), model.hidden, model.vocab});
}

void warm_teacher(KernelCache& cache, const RunConfig& config) {
  if (config.gpu) return cuda::warm_teacher(cache, config);
  warm_forward(cache, config, config.teacher, 0);
}

void warm_student(KernelCache& cache, const RunConfig& config) {
  if (config.gpu) return cuda::warm_student(cache, config);
  warm_forward(cache, config, config.student, config.lora_rank);
}

// Through every layer to its input; to its weights only where those are trained.
void warm_backward_gemms(const Warmer& warmer, const ModelShape& model, std::uint32_t rows, std::uint32_t lora_rank) {
  std::vector<GemmShape> layers = {{rows, model.hidden, model.query_width()},
                                   {rows, model.hidden, model.kv_width()},
                                   {rows, model.hidden, model.intermediate},
                                   {rows, model.intermediate, model.hidden},
                                   {rows, model.hidden, model.vocab}};
  if (model.query_width() != model.hidden) layers.push_back({rows, model.query_width(), model.hidden});
  for (const GemmShape shape : layers) warmer.gemm_backward(shape, lora_rank == 0);
  if (lora_rank == 0) return;
  warmer.gemm_backward({rows, model.hidden, lora_rank}, true);
  warmer.gemm_backward({rows, lora_rank, model.query_width()}, true);
  warmer.gemm_backward({rows, lora_rank, model.kv_width()}, true);
}

void warm_backward_attention(const Warmer& warmer, const ModelShape& model, AttentionShape attention) {
  warmer.warm(keys::batched_softmax_backward(), bodies::batched_softmax_backward());
  for (const std::uint32_t heads : {model.heads, model.kv_heads}) {
    warmer.warm(keys::rope_backward(heads, model.head_dim, attention.seq, model.rope_theta),
                bodies::rope_backward(heads, model.head_dim, attention.seq, model.rope_theta));
  }
  warmer.warm(keys::attention_scores_backward_q(attention), bodies::attention_scores_backward_q(attention));
  warmer.warm(keys::attention_scores_backward_k(attention), bodies::attention_scores_backward_k(attention));
  warmer.warm(keys::attention_context_backward_p(attention), bodies::attention_context_backward_p(attention));
  warmer.warm(keys::attention_context_backward_v(attention), bodies::attention_context_backward_v(attention));
}

// What only weights that are trained ask for; with adapters none of these are.
void warm_weight_gradients(const Warmer& warmer, const RunConfig& config) {
  const std::uint32_t hidden = config.student.hidden;
  warmer.warm(keys::bias_grad_reduce(), bodies::bias_grad_reduce());
  warmer.warm(keys::embedding_backward(hidden), bodies::embedding_backward(hidden));
  if (config.fault == Fault::kMissingStage) return;
  warmer.warm(keys::rms_norm_gamma_reduce(), bodies::rms_norm_gamma_reduce());
}

void warm_student_backward(KernelCache& cache, const RunConfig& config) {
  if (config.gpu) return cuda::warm_student_backward(cache, config);
  // The incident's early return: "no adapters, nothing to train", though every weight was.
  if (config.fault == Fault::kSkippedPrewarm && config.lora_rank == 0) return;
  const Warmer warmer(cache, config.fault);
  const ModelShape& model = config.student;
  warmer.warm(keys::silu_backward(), bodies::silu_backward());
  warmer.warm(keys::elementwise_mul_forward(), bodies::elementwise_mul_forward());
  warmer.warm(keys::residual_add_forward(), bodies::residual_add_forward());
  warmer.warm(keys::rmsnorm_backward(), bodies::rmsnorm_backward());
  if (config.lora_rank == 0) warm_weight_gradients(warmer, config);
  warm_backward_attention(warmer, model, config.attention(model));
  warm_backward_gemms(warmer, model, config.rows(), config.lora_rank);
  warmer.warm(keys::kd_loss(model.vocab, config.alpha, config.temperature),
              bodies::kd_loss(model.vocab, config.alpha, config.temperature));
  warmer.warm(keys::grad_norm_partials(), bodies::grad_norm_partials());
  warmer.warm(keys::grad_scale(), bodies::grad_scale());
  warmer.warm(keys::adamw_step(config.adam), bodies::adamw_step(config.adam));
}

}  // namespace

PrewarmList builtin_prewarm() { return {warm_teacher, warm_student, warm_student_backward}; }

}  // namespace smgate::workload
