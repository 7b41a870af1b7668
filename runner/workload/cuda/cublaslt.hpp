// cuBLASLt, opened at run time and never linked. Signatures come from <cublasLt.h>. Opened once a process and kept
// until its end; any thread. Calls return cublasStatus_t: hand that to check().
#pragma once

#include <cublasLt.h>

#include <string>

#include "runner/workload/base/outcome.hpp"

namespace smgate::workload::cuda {

// X(member, function of the library)
#define SMGATE_CUBLASLT_CALLS(X)                          \
  X(create, cublasLtCreate)                               \
  X(destroy, cublasLtDestroy)                             \
  X(get_version, cublasLtGetVersion)                      \
  X(get_status_name, cublasLtGetStatusName)               \
  X(matmul, cublasLtMatmul)                               \
  X(matmul_desc_create, cublasLtMatmulDescCreate)         \
  X(matmul_desc_destroy, cublasLtMatmulDescDestroy)       \
  X(matmul_desc_set, cublasLtMatmulDescSetAttribute)      \
  X(layout_create, cublasLtMatrixLayoutCreate)            \
  X(layout_destroy, cublasLtMatrixLayoutDestroy)          \
  X(preference_create, cublasLtMatmulPreferenceCreate)    \
  X(preference_destroy, cublasLtMatmulPreferenceDestroy)  \
  X(preference_set, cublasLtMatmulPreferenceSetAttribute) \
  X(algo_get_heuristic, cublasLtMatmulAlgoGetHeuristic)   \
  X(algo_check, cublasLtMatmulAlgoCheck)

struct CublasLt {
#define SMGATE_MEMBER(member, function) decltype(&::function) member;
  SMGATE_CUBLASLT_CALLS(SMGATE_MEMBER)
#undef SMGATE_MEMBER
  std::string path;  // where it was found
};

// The file that SMGATE_CUBLASLT names; else libcublasLt.so.13, then .12, by soname and then in /usr/local/cuda.
// Failure: where it was looked for.
Outcome<const CublasLt*> open_cublaslt();

// Throws RunFailure naming call and status unless `status` is success.
void check(const CublasLt& library, cublasStatus_t status, const char* call);

}  // namespace smgate::workload::cuda
