// Matrix products by cuBLASLt. Every shape's algorithm is chosen once, at warm-up, and kept; all products of a
// lane share one workspace. Accumulation is fp32. Owned by the trainer; one thread.
#pragma once

#include <map>
#include <tuple>

#include "runner/workload/cuda/cublaslt.hpp"
#include "runner/workload/cuda/device.hpp"
#include "smgate/keys.hpp"
#include "smgate/workload.hpp"

namespace smgate::workload::cuda {

// Work that runs beside other work: the step's own stream, and one at its side.
enum class Lane { kMain, kSide };

// What a product makes, in terms of a layer y[m, n] = x[m, k] w[n, k]^T.
enum class Product { kOutput, kInputGradient, kWeightGradient };

class Gemms {
 public:
  Gemms(const CudaDevice& device, Math math);
  ~Gemms();
  Gemms(const Gemms&) = delete;
  Gemms& operator=(const Gemms&) = delete;

  // kOutput: y, x, w. kInputGradient: dx, dy, w. kWeightGradient: dw (fp32), dy, x; where `grows`, dw is added to.
  struct Operands {
    CUdeviceptr result, left, right;
  };
  void run(Product product, GemmShape shape, Operands operands, CUstream stream, Lane lane, bool grows = false);

  // Chooses the algorithm and runs it once on memory of its own, so that the library loads its kernels now. In one
  // place, `warm_up`, which gives that memory back.
  void plan(Product product, GemmShape shape);
  void warm_up(CUstream stream);

 private:
  struct Plan {
    cublasLtMatmulDesc_t operation = nullptr;
    cublasLtMatrixLayout_t a = nullptr, b = nullptr, c = nullptr;
    cublasLtMatmulAlgo_t algorithm{};
    std::size_t largest_bytes = 0;  // of its operands
    bool warm = false;
  };
  using Key = std::tuple<Product, std::uint32_t, std::uint32_t, std::uint32_t>;

  Plan& planned(Product product, GemmShape shape);
  void describe(Plan& plan, Product product, GemmShape shape) const;
  void choose(Plan& plan) const;
  void call(const Plan& plan, Operands operands, CUstream stream, Lane lane, bool grows) const;

  const CudaDevice& device_;
  const CublasLt& library_;
  Math math_;
  cublasLtHandle_t handle_ = nullptr;
  DeviceBuffer workspace_;  // a half for each lane
  std::map<Key, Plan> plans_;
};

}  // namespace smgate::workload::cuda
