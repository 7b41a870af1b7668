// The reference workload as a library: a program that brings its own pre-warm list calls smoke_main with it. Owned by
// that program's main; one thread, one call a process.
//
//   g++ -std=c++20 -O2 prewarm.cpp -I<repo>/runner/workload/include -L<libraries> -lsmgate_workload -ldl -o smoke
#pragma once

#include <cstdint>
#include <string>

#include "smgate/kernel_cache.hpp"
#include "smgate/keys.hpp"

namespace smgate::workload {

// A Qwen2-shaped decoder.
struct ModelShape {
  std::string name;
  std::uint32_t layers;
  std::uint32_t hidden;
  std::uint32_t intermediate;
  std::uint32_t heads;
  std::uint32_t kv_heads;
  std::uint32_t head_dim;
  std::uint32_t vocab;
  std::uint32_t max_position_embeddings;
  float rms_norm_eps;
  float rope_theta;
  bool library_gemms = false;  // the block's four projections come from the vendor's library, past the cache

  std::uint32_t query_width() const { return heads * head_dim; }
  std::uint32_t kv_width() const { return kv_heads * head_dim; }
};

// A defect of the incident, made on purpose.
enum class Fault {
  kNone,
  kUnusedPrewarm,
  kOversizedWorkspace,
  kAprWeights,
  kSkippedPrewarm,
  kMissingStage,
  kSilentCache,
  kSharedKey,
  kShortKey,
  kDegenerateBatch,
  kWrongEps,
  kWrongBody,
};

// A short run that must not pass: it shows that the contract has teeth (DS-9).
enum class Control {
  kNone,
  kLr0,             // nothing is learned
  kShuffledLabels,  // one row twice, with its labels in two orders
  kNoPrewarm,       // every span of the pre-warm is marked, and empty
  kNan,             // one gradient is not a number, from half of the steps on
};

// How matrices are multiplied. Weights, gradients and the optimizer's state are fp32 in each.
enum class Math { kFp32, kTf32, kBf16 };

struct RunConfig {
  std::string scale;
  ModelShape teacher;
  ModelShape student;
  std::uint32_t batch;  // sequences
  std::uint32_t seq;    // tokens a sequence
  std::uint32_t steps;
  std::uint64_t seed;
  float learning_rate;
  float alpha;        // weight of the labels; 1 - alpha of the teacher
  float temperature;  // of the distillation
  float weight_decay;
  float gradient_norm_max;
  AdamParams adam;
  std::uint32_t
      lora_rank;  // of adapters at the student's queries and values, trained alone; 0: every weight is trained
  Fault fault;
  Control control;
  Math math = Math::kFp32;
  bool gpu = false;  // a real device's kernels rather than the CPU references' own

  std::uint32_t rows() const { return batch * seq; }
  AttentionShape attention(const ModelShape& model) const { return {model.heads, model.kv_heads, model.head_dim, seq}; }
};

// What each pre-warm span offers. A span is opened before and closed after its function.
struct PrewarmList {
  using Warm = void (*)(KernelCache& cache, const RunConfig& config);
  Warm teacher;
  Warm student;
  Warm student_backward;
};

// The workload's own list, in which the pre-warm faults are made.
PrewarmList builtin_prewarm();

// The whole program: options, run, report. Returns the exit code: 0 trained, 1 the run failed, 2 usage.
int smoke_main(int argc, char** argv, const PrewarmList& prewarm);
int smoke_main(int argc, char** argv);

}  // namespace smgate::workload
