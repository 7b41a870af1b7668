#include "runner/workload/cuda/prewarm.hpp"

#include "runner/workload/cuda/kernels/kernels.hpp"

namespace smgate::workload::cuda {

namespace {

using events::Here;

constexpr float kStaleEps = 1e-5f;  // the default that the incident's pre-warm was written against

// Hands kernels to the cache, with the mistakes that were made in doing so.
class Warmer {
 public:
  Warmer(KernelCache& cache, const RunConfig& config)
      : cache_(cache), fault_(config.fault), storage_(config.math == Math::kBf16 ? Storage::kBf16 : Storage::kF32) {}

  void warm(const Kernel& kernel, Here at = Here::now()) const { offer(kernel.key, kernel.body, at); }

  void rmsnorm(const ModelShape& model, Here at = Here::now()) const {
    const float stale = fault_ == Fault::kWrongEps ? kStaleEps : model.rms_norm_eps;
    const float built = fault_ == Fault::kWrongBody ? kStaleEps : stale;
    std::string key = kernels::rmsnorm_forward(storage_, model.hidden, stale).key;
    // The key's grammar grew an eps token that this line was not told of.
    if (fault_ == Fault::kShortKey) key = key.substr(0, key.rfind("_eps"));
    offer(key, kernels::rmsnorm_forward(storage_, model.hidden, built).body, at);
  }

  void rope(AttentionShape shape, const ModelShape& model, Here at = Here::now()) const {
    if (fault_ == Fault::kShortKey) return;
    warm(kernels::rope_forward(storage_, shape, model.rope_theta), at);
  }

  // The library makes every product. The change that turned it on did not tell this list.
  void stale_products(const ModelShape& model, std::uint32_t rows, Here at = Here::now()) const {
    for (const GemmShape shape :
         {GemmShape{rows, model.hidden, model.query_width()}, GemmShape{rows, model.hidden, model.kv_width()},
          GemmShape{rows, model.hidden, model.intermediate}, GemmShape{rows, model.intermediate, model.hidden}}) {
      offer(keys::gemm_forward(shape), bodies::gemm_forward(shape), at);
    }
  }

  // The student's backward pass reads the projections.
  void gated_linear(const ModelShape& model, bool trained, Here at = Here::now()) const {
    if (kernels::has_linear_swiglu(storage_, cache_.target(), model.hidden, model.intermediate)) {
      warm(kernels::linear_swiglu(model.hidden, model.intermediate, trained), at);
    } else {
      warm(kernels::swiglu_forward(storage_, model.intermediate), at);
    }
  }

  Storage storage() const { return storage_; }

 private:
  void offer(const std::string& key, const Body& body, Here at) const {
    // The incident's root cause: the macro took the key as an argument and ignored it.
    cache_.offer(fault_ == Fault::kSharedKey ? kernels::model_weights(storage_).key : key, body, at);
  }

  KernelCache& cache_;
  Fault fault_;
  Storage storage_;
};

void warm_forward(const Warmer& warmer, const RunConfig& config, const ModelShape& model, bool trained) {
  const Storage storage = warmer.storage();
  const AttentionShape attention = config.attention(model);
  warmer.warm(kernels::model_weights(storage));
  warmer.warm(kernels::embedding_forward(storage, model.hidden));
  warmer.rmsnorm(model);
  warmer.rope(attention, model);
  warmer.warm(kernels::attention_forward(storage, attention));
  warmer.gated_linear(model, trained);
  if (config.fault == Fault::kUnusedPrewarm && model.library_gemms) warmer.stale_products(model, config.rows());
}

}  // namespace

void warm_teacher(KernelCache& cache, const RunConfig& config) {
  warm_forward(Warmer(cache, config), config, config.teacher, false);
}

void warm_student(KernelCache& cache, const RunConfig& config) {
  warm_forward(Warmer(cache, config), config, config.student, true);
}

void warm_student_backward(KernelCache& cache, const RunConfig& config) {
  // The incident's early return: "no adapters, nothing to train", though every weight was.
  if (config.fault == Fault::kSkippedPrewarm) return;
  const Warmer warmer(cache, config);
  const Storage storage = warmer.storage();
  const ModelShape& model = config.student;
  const AttentionShape attention = config.attention(model);
  warmer.warm(kernels::kd_loss(storage, model.vocab, config.alpha, config.temperature));
  warmer.warm(kernels::rmsnorm_backward(storage, model.hidden));
  if (config.fault != Fault::kMissingStage) warmer.warm(kernels::rms_norm_gamma_reduce());
  warmer.warm(kernels::swiglu_backward(storage, model.intermediate));
  warmer.warm(kernels::attention_backward_q(storage, attention));
  warmer.warm(kernels::attention_backward_kv(storage, attention));
  warmer.warm(kernels::rope_backward(storage, attention, model.rope_theta));
  warmer.warm(kernels::bias_grad_reduce());
  warmer.warm(kernels::embedding_backward(storage, model.hidden));
  warmer.warm(kernels::grad_norm_partials());
  warmer.warm(kernels::step_finish(config.adam, config.gradient_norm_max));
  warmer.warm(kernels::adamw_step(storage, config.adam));
}

}  // namespace smgate::workload::cuda
