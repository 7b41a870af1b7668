#include "runner/workload/cuda/gemm.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "runner/workload/base/random.hpp"
#include "runner/workload/base/sha256.hpp"
#include "runner/workload/cache/disk_cache.hpp"

namespace smgate::workload::cuda {

namespace {

constexpr std::size_t kWorkspaceBytes = std::size_t{64} << 20;  // above 32 MiB, which the library asks for on sm_90

// Of each product, how many of the library's proposals are tried. Each has it load a kernel, which a process pays for
// at its start; so more than a few are worth it only to products that take a millisecond or more of a step.
constexpr int kProposals = 4;
constexpr int kProposalsMax = 6;
constexpr double kLongFlops = 1e12;
constexpr int kTimings = 2;  // of each algorithm, each as long as half a step uses it; the shorter counts
constexpr std::size_t kSampleBytes = std::size_t{1} << 18;   // of a result's start and of its end
constexpr std::size_t kPatternBytes = std::size_t{4} << 20;  // of numbers, repeated through the operands

// Numbers from 2^-7 to 2 of either sign, as bf16 or, by pairs, as fp32. Equal or no numbers would cost a product less
// power than a model's, and so less time.
void fill(const Driver& driver, const DeviceBuffer& buffer, CUstream stream) {
  std::vector<std::uint16_t> pattern(kPatternBytes / sizeof(std::uint16_t));
  Random random(1);
  for (std::uint16_t& value : pattern) value = static_cast<std::uint16_t>((random.next() & 0x83ffu) | 0x3c00u);
  const std::size_t first = std::min(kPatternBytes, buffer.bytes());
  check(driver, driver.memcpy_h_to_d(buffer.address(), pattern.data(), first), "cuMemcpyHtoD");
  for (std::size_t done = first; done < buffer.bytes(); done *= 2) {
    const std::size_t bytes = std::min(done, buffer.bytes() - done);
    check(driver, driver.memcpy_d_to_d_async(buffer.address() + done, buffer.address(), bytes, stream),
          "cuMemcpyDtoDAsync");
  }
}

std::string sample(const Driver& driver, CUdeviceptr from, std::size_t bytes, CUstream stream) {
  const std::size_t part = std::min(kSampleBytes, bytes);
  std::string values(2 * part, '\0');
  check(driver, driver.stream_synchronize(stream), "cuStreamSynchronize");
  check(driver, driver.memcpy_d_to_h(values.data(), from, part), "cuMemcpyDtoH");
  check(driver, driver.memcpy_d_to_h(values.data() + part, from + bytes - part, part), "cuMemcpyDtoH");
  return values;
}

const CublasLt& library_or_throw() {
  const auto library = open_cublaslt();
  if (!library) throw RunFailure(library.error());
  return *library.value();
}

}  // namespace

Gemms::Gemms(const CudaDevice& device, Math math, const DiskCache* disk)
    : device_(device),
      library_(library_or_throw()),
      math_(math),
      disk_(disk),
      workspace_(device.driver(), 2 * kWorkspaceBytes) {
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
  const auto layout = [&](cublasLtMatrixLayout_t& made, std::size_t& bytes, cudaDataType_t type, std::uint64_t columns,
                          std::uint64_t rows) {
    check(library_, library_.layout_create(&made, type, columns, rows, static_cast<std::int64_t>(columns)),
          "cublasLtMatrixLayoutCreate");
    bytes = columns * rows * (type == CUDA_R_32F ? 4 : 2);
  };
  switch (product) {
    case Product::kOutput:
      layout(plan.a, plan.a_bytes, stored, k, n);
      layout(plan.b, plan.b_bytes, stored, k, m);
      layout(plan.c, plan.c_bytes, stored, n, m);
      break;
    case Product::kInputGradient:
      layout(plan.a, plan.a_bytes, stored, k, n);
      layout(plan.b, plan.b_bytes, stored, n, m);
      layout(plan.c, plan.c_bytes, stored, k, m);
      break;
    case Product::kWeightGradient:
      layout(plan.a, plan.a_bytes, stored, k, m);
      layout(plan.b, plan.b_bytes, stored, n, m);
      layout(plan.c, plan.c_bytes, CUDA_R_32F, k, n);
      break;
  }
}

Gemms::Algorithms Gemms::proposals(const Plan& plan) const {
  cublasLtMatmulPreference_t preference = nullptr;
  check(library_, library_.preference_create(&preference), "cublasLtMatmulPreferenceCreate");
  const std::size_t bytes = kWorkspaceBytes;
  library_.preference_set(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &bytes, sizeof bytes);
  const int wanted = plan.flops * plan.uses < kLongFlops ? kProposals : kProposalsMax;
  std::array<cublasLtMatmulHeuristicResult_t, kProposalsMax> results{};
  int found = 0;
  const cublasStatus_t status = library_.algo_get_heuristic(handle_, plan.operation, plan.a, plan.b, plan.c, plan.c,
                                                            preference, wanted, results.data(), &found);
  library_.preference_destroy(preference);
  check(library_, status, "cublasLtMatmulAlgoGetHeuristic");
  if (found == 0) throw RunFailure("cuBLASLt knows no algorithm for a product of this run");
  Algorithms algorithms;
  for (int i = 0; i < found; ++i) algorithms.push_back(results[static_cast<std::size_t>(i)].algo);
  return algorithms;
}

// Those whose results are the first one's bit by bit, in a sample of them: they add in the same order.
Gemms::Algorithms Gemms::equal_ones(Plan& plan, Algorithms proposed, Operands operands, CUstream stream) const {
  std::string wanted;
  Algorithms equal;
  for (const cublasLtMatmulAlgo_t& algorithm : proposed) {
    plan.algorithm = algorithm;
    call(plan, operands, stream, Lane::kMain, false);
    const std::string got = sample(device_.driver(), operands.result, plan.c_bytes, stream);
    if (equal.empty()) wanted = got;
    if (got == wanted) equal.push_back(algorithm);
  }
  return equal;
}

// Many runs on end, for a device at its limit of power slows down for what takes more energy, and that shows in no
// single run. In turns, so that none is the one that finds the device cool.
void Gemms::choose_fastest(Plan& plan, const Algorithms& algorithms, Operands operands, CUstream stream) const {
  std::vector<double> best(algorithms.size(), 1e30);
  Event start(device_.driver());
  Event end(device_.driver());
  for (int turn = 0; turn < kTimings; ++turn) {
    for (std::size_t i = 0; i < algorithms.size(); ++i) {
      plan.algorithm = algorithms[i];
      start.record(stream);
      for (std::uint32_t use = 0; use < plan.uses; use += kTimings) call(plan, operands, stream, Lane::kMain, false);
      end.record(stream);
      end.synchronize();
      best[i] = std::min(best[i], end.ms_since(start));
    }
  }
  plan.algorithm = algorithms[static_cast<std::size_t>(std::min_element(best.begin(), best.end()) - best.begin())];
}

std::string Gemms::stored_name(const Key& key) const {
  const auto& [product, m, k, n] = key;
  std::string text = "cuBLASLt " + std::to_string(library_.get_version()) + " on " + device_.info().name;
  for (const std::uint32_t part : {static_cast<std::uint32_t>(math_), static_cast<std::uint32_t>(product), m, k, n}) {
    text += " " + std::to_string(part);
  }
  return sha256_hex(text);
}

std::optional<cublasLtMatmulAlgo_t> Gemms::stored_choice(const Key& key, const Plan& plan) const {
  if (disk_ == nullptr) return std::nullopt;
  const auto found = disk_->find(stored_name(key));
  cublasLtMatmulAlgo_t algorithm{};
  if (!found.code || found.code->size() != sizeof algorithm) return std::nullopt;
  std::memcpy(&algorithm, found.code->data(), sizeof algorithm);
  cublasLtMatmulHeuristicResult_t result{};
  const cublasStatus_t status =
      library_.algo_check(handle_, plan.operation, plan.a, plan.b, plan.c, plan.c, &algorithm, &result);
  if (status != CUBLAS_STATUS_SUCCESS || result.workspaceSize > kWorkspaceBytes) return std::nullopt;
  return algorithm;
}

Gemms::Plan& Gemms::planned(Product product, GemmShape shape) {
  const Key key{product, shape.m, shape.k, shape.n};
  const auto known = plans_.find(key);
  if (known != plans_.end()) return known->second;
  Plan& plan = plans_[key];
  plan.flops = 2.0 * shape.m * shape.k * shape.n;
  describe(plan, product, shape);
  plan.algorithm = proposals(plan).front();
  return plan;
}

void Gemms::plan(Product product, GemmShape shape, std::uint32_t uses) { planned(product, shape).uses += uses; }

void Gemms::warm_up(CUstream stream) {
  std::size_t a = 0, b = 0, c = 0;
  for (const auto& [key, plan] : plans_) {
    if (plan.warm) continue;
    a = std::max(a, plan.a_bytes), b = std::max(b, plan.b_bytes), c = std::max(c, plan.c_bytes);
  }
  if (a == 0) return;
  const Driver& driver = device_.driver();
  const DeviceBuffer right(driver, a), left(driver, b), result(driver, c);
  fill(driver, right, stream);
  fill(driver, left, stream);
  const Operands operands{result.address(), left.address(), right.address()};
  for (auto& [key, plan] : plans_) {
    if (!plan.warm) choose(key, plan, operands, stream);
    plan.warm = true;
  }
  check(driver, driver.stream_synchronize(stream), "cuStreamSynchronize");
}

void Gemms::choose(const Key& key, Plan& plan, Operands operands, CUstream stream) const {
  if (const auto stored = stored_choice(key, plan)) {
    plan.algorithm = *stored;
    call(plan, operands, stream, Lane::kMain, false);
  } else {
    choose_fastest(plan, equal_ones(plan, proposals(plan), operands, stream), operands, stream);
    // A choice that cannot be kept is made again by the next run.
    const std::string_view bytes(reinterpret_cast<const char*>(&plan.algorithm), sizeof plan.algorithm);
    if (disk_ != nullptr) disk_->store(stored_name(key), bytes);
  }
  if (std::get<0>(key) == Product::kWeightGradient) call(plan, operands, stream, Lane::kMain, true);
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
