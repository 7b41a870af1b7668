// Where the CPU trainer's kernels run and its tensors lie. Owned by the run; asked by the cache (load) and by every
// operation (launch); one thread. The implementation plays an architecture on the CPU (emulated.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "runner/workload/device/device.hpp"
#include "runner/workload/kernels/kernel.hpp"

namespace smgate::workload {

class Backend : public Device {
 public:
  // Device memory, zeroed, for the life of the back end. Both report the allocation; both throw RunFailure where the
  // device has no room. reserve only keeps the room free: nothing is ever written there.
  virtual void* allocate(const std::string& name, std::size_t bytes, events::Here at = events::Here::now()) = 0;
  virtual void reserve(const std::string& name, std::uint64_t bytes, events::Here at = events::Here::now()) = 0;
  virtual void copy_in(void* to_device, const void* from_host, std::size_t bytes) = 0;
  virtual void copy_out(void* to_host, const void* from_device, std::size_t bytes) = 0;
  virtual void zero(void* on_device, std::size_t bytes) = 0;

  // Runs `entry` of the module. Throws RunFailure with the driver's words where the stream is broken or the module
  // holds no such kernel.
  virtual void launch(const Module& module, std::string_view entry, const Args& args) = 0;
  // y = x w^T by the vendor's library.
  virtual void library_gemm(GemmShape shape, float* y, const float* x, const float* w) = 0;

  float* allocate_floats(const std::string& name, std::size_t count, events::Here at = events::Here::now()) {
    return static_cast<float*>(allocate(name, count * sizeof(float), at));
  }
};

}  // namespace smgate::workload
