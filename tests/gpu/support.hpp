// What tests on a GPU share: a skip where there is none, a run's parts on it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "runner/workload/cache/compiler.hpp"
#include "runner/workload/cuda/trainer.hpp"
#include "runner/workload/model/weight_source.hpp"
#include "runner/workload/run/config.hpp"

namespace smgate::workload::test {

// A GPU with a compiler and a cache for it. Built by `open`, which says what the host lacks.
class GpuParts {
 public:
  GpuParts(const cuda::Driver& driver, std::unique_ptr<Compiler> compiler)
      : writer_(""),
        compiler_(std::move(compiler)),
        device_(driver, 0, writer_),
        cache_("kernels", *compiler_, device_, writer_) {}

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
