#include "runner/workload/cuda/gemm.hpp"

#include <algorithm>

namespace smgate::workload::cuda {

namespace {

constexpr std::size_t kWorkspaceBytes = std::size_t{64} << 20;  // above 32 MiB, which the library asks for on sm_90

const CublasLt& library_or_throw() {
  const auto library = open_cublaslt();
  if (!library) throw RunFailure(library.error());
  return *library.value();
}

}  // namespace

Gemms::Gemms(const CudaDevice& device, Math math)
    : device_(device), library_(library_or_throw()), math_(math), workspace_(device.driver(), 2 * kWorkspaceBytes) {
  check(library_, library_.create(&handle_), "cublasLtCreate");
}

Gemms::~Gemms() {
  for (auto& [key, plan] : plans_) {
    library_.layout_destroy(plan.a);
    library_.layout_destroy(plan.b);
    library_.layout_destroy(plan.c);
    library_.matmul_desc_destroy(plan.operation);
  }
  library_.destroy(handle_);
}

// The library counts columns first, so a row-major [r, c] is its column-major c x r; each product is written as the one
// that makes the transposed result:
//   y^T [n, m] = w x^T: w stands transposed; dx^T [k, m] = w^T dy^T: none does; dw^T [k, n] = x^T dy: dy does.
void Gemms::describe(Plan& plan, Product product, GemmShape shape) const {
  const auto m = std::uint64_t{shape.m}, k = std::uint64_t{shape.k}, n = std::uint64_t{shape.n};
  const cudaDataType_t stored = math_ == Math::kBf16 ? CUDA_R_16BF : CUDA_R_32F;
  const cublasComputeType_t compute = math_ == Math::kTf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
  const cublasOperation_t left = product == Product::kOutput ? CUBLAS_OP_T : CUBLAS_OP_N;
  const cublasOperation_t right = product == Product::kWeightGradient ? CUBLAS_OP_T : CUBLAS_OP_N;
  check(library_, library_.matmul_desc_create(&plan.operation, compute, CUDA_R_32F), "cublasLtMatmulDescCreate");
  check(library_, library_.matmul_desc_set(plan.operation, CUBLASLT_MATMUL_DESC_TRANSA, &left, sizeof left),
        "cublasLtMatmulDescSetAttribute");
  check(library_, library_.matmul_desc_set(plan.operation, CUBLASLT_MATMUL_DESC_TRANSB, &right, sizeof right),
        "cublasLtMatmulDescSetAttribute");
  const auto layout = [&](cublasLtMatrixLayout_t& made, cudaDataType_t type, std::uint64_t columns,
                          std::uint64_t rows) {
    check(library_, library_.layout_create(&made, type, columns, rows, static_cast<std::int64_t>(columns)),
          "cublasLtMatrixLayoutCreate");
    plan.largest_bytes = std::max<std::size_t>(plan.largest_bytes, columns * rows * (type == CUDA_R_32F ? 4 : 2));
  };
  switch (product) {
    case Product::kOutput:
      layout(plan.a, stored, k, n);
      layout(plan.b, stored, k, m);
      layout(plan.c, stored, n, m);
      break;
    case Product::kInputGradient:
      layout(plan.a, stored, k, n);
      layout(plan.b, stored, n, m);
      layout(plan.c, stored, k, m);
      break;
    case Product::kWeightGradient:
      layout(plan.a, stored, k, m);
      layout(plan.b, stored, n, m);
      layout(plan.c, CUDA_R_32F, k, n);
      break;
  }
}

void Gemms::choose(Plan& plan) const {
  cublasLtMatmulPreference_t preference = nullptr;
  check(library_, library_.preference_create(&preference), "cublasLtMatmulPreferenceCreate");
  const std::size_t bytes = kWorkspaceBytes;
  library_.preference_set(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &bytes, sizeof bytes);
  cublasLtMatmulHeuristicResult_t best{};
  int found = 0;
  const cublasStatus_t status = library_.algo_get_heuristic(handle_, plan.operation, plan.a, plan.b, plan.c, plan.c,
                                                            preference, 1, &best, &found);
  library_.preference_destroy(preference);
  check(library_, status, "cublasLtMatmulAlgoGetHeuristic");
  if (found == 0) throw RunFailure("cuBLASLt knows no algorithm for a product of this run");
  plan.algorithm = best.algo;
}

Gemms::Plan& Gemms::planned(Product product, GemmShape shape) {
  const Key key{product, shape.m, shape.k, shape.n};
  const auto known = plans_.find(key);
  if (known != plans_.end()) return known->second;
  Plan& plan = plans_[key];
  describe(plan, product, shape);
  choose(plan);
  return plan;
}

void Gemms::plan(Product product, GemmShape shape) { planned(product, shape); }

void Gemms::warm_up(CUstream stream) {
  std::size_t bytes = 0;
  for (const auto& [key, plan] : plans_) bytes = std::max(bytes, plan.warm ? 0 : plan.largest_bytes);
  if (bytes == 0) return;
  const Driver& driver = device_.driver();
  // All operands are the same memory: the products' values do not matter here.
  const DeviceBuffer scratch(driver, bytes);
  check(driver, driver.memset_d8_async(scratch.address(), 0, bytes, stream), "cuMemsetD8Async");
  for (auto& [key, plan] : plans_) {
    if (plan.warm) continue;
    const Product product = std::get<0>(key);
    const Operands operands{scratch.address(), scratch.address(), scratch.address()};
    call(plan, operands, stream, Lane::kMain, false);
    if (product == Product::kWeightGradient) call(plan, operands, stream, Lane::kMain, true);
    plan.warm = true;
  }
  check(driver, driver.stream_synchronize(stream), "cuStreamSynchronize");
}

void Gemms::call(const Plan& plan, Operands operands, CUstream stream, Lane lane, bool grows) const {
  const CUdeviceptr workspace = workspace_.address() + (lane == Lane::kSide ? kWorkspaceBytes : 0);
  const float alpha = 1.0f;
  const float beta = grows ? 1.0f : 0.0f;
  const auto at = [](CUdeviceptr address) { return reinterpret_cast<void*>(address); };
  // The library's left side is the layer's weights, or its input where the weights' gradient is made.
  const CUdeviceptr a = operands.right;
  const CUdeviceptr b = operands.left;
  check(library_,
        library_.matmul(handle_, plan.operation, &alpha, at(a), plan.a, at(b), plan.b, &beta, at(operands.result),
                        plan.c, at(operands.result), plan.c, &plan.algorithm, at(workspace), kWorkspaceBytes, stream),
        "cublasLtMatmul");
}

void Gemms::run(Product product, GemmShape shape, Operands operands, CUstream stream, Lane lane, bool grows) {
  call(planned(product, shape), operands, stream, lane, grows);
}

}  // namespace smgate::workload::cuda
