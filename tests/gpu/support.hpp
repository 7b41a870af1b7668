// What tests on a GPU share: a skip where there is none, a run's parts on it, seeded weights made on the device.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "runner/workload/base/random.hpp"
#include "runner/workload/cache/compiler.hpp"
#include "runner/workload/cuda/trainer.hpp"
#include "runner/workload/model/weight_source.hpp"
#include "runner/workload/run/config.hpp"

namespace smgate::workload::test {

// The same numbers as seeded_weights, as recipes: a device makes them in place.
class SeededWeights : public WeightSource {
 public:
  SeededWeights(const std::vector<TensorInfo>& layout, std::uint64_t seed, float deviation)
      : layout_(layout), seed_(seed), deviation_(deviation) {
    std::uint64_t draws = 0;
    for (const TensorInfo& tensor : layout) {
      const bool matrix = tensor.shape.size() > 1;
      const bool bias = tensor.name.ends_with(".bias");
      const auto kind = matrix ? SeededTensor::Kind::kNormal : bias ? SeededTensor::Kind::kZero : SeededTensor::Kind::kOne;
      recipes_.push_back({kind, seed + draws * 0x9e3779b97f4a7c15u, deviation});
      if (matrix) draws += 12 * tensor.count;
    }
  }
  const std::vector<TensorInfo>& layout() const override { return layout_; }
  void for_each_tensor(const Visit& visit) const override {
    FloatWeights(layout_, seeded_weights(layout_, seed_, deviation_)).for_each_tensor(visit);
  }
  const std::vector<SeededTensor>* recipes() const override { return &recipes_; }

 private:
  const std::vector<TensorInfo>& layout_;
  std::uint64_t seed_;
  float deviation_;
  std::vector<SeededTensor> recipes_;
};

// A GPU with a compiler and a cache for it. Built by `open`, which says what the host lacks.
class GpuParts {
 public:
  GpuParts(const cuda::Driver& driver, std::unique_ptr<Compiler> compiler)
      : writer_(""), compiler_(std::move(compiler)), device_(driver, 0, writer_), cache_("kernels", *compiler_, device_, writer_) {}

  static std::unique_ptr<GpuParts> open(std::string& lacks) {
    const auto driver = cuda::open_driver();
    auto compiler = open_nvrtc();
    if (!driver || !compiler) {
      lacks = !driver ? driver.error() : compiler.error();
      return nullptr;
    }
    return std::make_unique<GpuParts>(*driver.value(), std::move(compiler.value()));
  }

  events::Writer& writer() { return writer_; }
  cuda::CudaDevice& device() { return device_; }
  KernelCache& cache() { return cache_; }

 private:
  events::Writer writer_;
  std::unique_ptr<Compiler> compiler_;
  cuda::CudaDevice device_;
  KernelCache cache_;
};

class Gpu : public testing::Test {
 protected:
  void SetUp() override {
    std::string lacks;
    parts_ = GpuParts::open(lacks);
    if (!parts_) GTEST_SKIP() << "no GPU to test on: " << lacks;
  }
  std::unique_ptr<GpuParts> parts_;
};

}  // namespace smgate::workload::test
