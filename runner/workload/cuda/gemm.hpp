// Matrix products by cuBLASLt. Every shape's algorithm is chosen once, at warm-up, and kept: of those that the library
// proposes, the fastest here of those that give its first proposal's bits, so that no measurement shows in a result.
// All products of a lane share one workspace. Accumulation is fp32. Owned by the trainer; one thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "runner/workload/cuda/cublaslt.hpp"
#include "runner/workload/cuda/device.hpp"
#include "smgate/keys.hpp"
#include "smgate/workload.hpp"

namespace smgate::workload {
class DiskCache;
}

namespace smgate::workload::cuda {

// Work that runs beside other work: the step's own stream, and one at its side.
enum class Lane { kMain, kSide };

// What a product makes, in terms of a layer y[m, n] = x[m, k] w[n, k]^T.
enum class Product { kOutput, kInputGradient, kWeightGradient };

class Gemms {
 public:
  // `disk` keeps choices for the next run; nullptr: none does.
  Gemms(const CudaDevice& device, Math math, const DiskCache* disk);
  ~Gemms();
  Gemms(const Gemms&) = delete;
  Gemms& operator=(const Gemms&) = delete;

  // kOutput: y, x, w. kInputGradient: dx, dy, w. kWeightGradient: dw (fp32), dy, x; where `grows`, dw is added to.
  struct Operands {
    CUdeviceptr result, left, right;
  };
  void run(Product product, GemmShape shape, Operands operands, CUstream stream, Lane lane, bool grows = false);

  // What warm_up will choose an algorithm for, and how often a step asks for it: by running each on memory of its own,
  // which it gives back. The library so loads its kernels now, and none later.
  void plan(Product product, GemmShape shape, std::uint32_t uses);
  void warm_up(CUstream stream);

 private:
  struct Plan {
    cublasLtMatmulDesc_t operation = nullptr;
    cublasLtMatrixLayout_t a = nullptr, b = nullptr, c = nullptr;
    cublasLtMatmulAlgo_t algorithm{};
    std::size_t a_bytes = 0, b_bytes = 0, c_bytes = 0;
    double flops = 0.0;      // of one use
    std::uint32_t uses = 0;  // in a step
    bool warm = false;
  };
  using Algorithms = std::vector<cublasLtMatmulAlgo_t>;
  using Key = std::tuple<Product, std::uint32_t, std::uint32_t, std::uint32_t>;

  Plan& planned(Product product, GemmShape shape);
  void describe(Plan& plan, Product product, GemmShape shape) const;
  Algorithms proposals(const Plan& plan) const;
  Algorithms equal_ones(Plan& plan, Algorithms proposed, Operands operands, CUstream stream) const;
  void choose_fastest(Plan& plan, const Algorithms& algorithms, Operands operands, CUstream stream) const;
  void choose(const Key& key, Plan& plan, Operands operands, CUstream stream) const;
  std::string stored_name(const Key& key) const;
  std::optional<cublasLtMatmulAlgo_t> stored_choice(const Key& key, const Plan& plan) const;
  void call(const Plan& plan, Operands operands, CUstream stream, Lane lane, bool grows) const;

  const CudaDevice& device_;
  const CublasLt& library_;
  Math math_;
  const DiskCache* disk_;
  cublasLtHandle_t handle_ = nullptr;
  DeviceBuffer workspace_;  // a half for each lane
  std::map<Key, Plan> plans_;
};

}  // namespace smgate::workload::cuda
