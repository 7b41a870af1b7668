// The CPU back end: plays an architecture, runs the kernels' CPU references, accounts for the memory of the device it
// plays. Owned by the run; one thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runner/workload/device/backend.hpp"

namespace smgate::workload {

// What is known of a device that can be played.
struct EmulatedDevice {
  std::string_view arch;
  std::string_view name;
  std::uint64_t memory_bytes;
  bool unified;
  bool late_compile_poisons;  // the stream does not survive a compile in its middle
};

// nullptr: no such device can be played.
const EmulatedDevice* find_emulated(std::string_view arch);
// "sm_89, sm_121", for messages.
std::string emulated_archs();

class EmulatedBackend : public Backend {
 public:
  EmulatedBackend(const EmulatedDevice& device, events::Writer& writer);

  const DeviceInfo& info() const override { return info_; }
  void report_memory() override;
  void* allocate(const std::string& name, std::size_t bytes, events::Here at) override;
  void reserve(const std::string& name, std::uint64_t bytes, events::Here at) override;
  void copy_in(void* to_device, const void* from_host, std::size_t bytes) override;
  void copy_out(void* to_host, const void* from_device, std::size_t bytes) override;
  void zero(void* on_device, std::size_t bytes) override;
  void load(Module& module) override;
  void late_compile() override;
  void launch(const Module& module, std::string_view entry, const Args& args) override;
  void library_gemm(GemmShape shape, float* y, const float* x, const float* w) override;

 private:
  DeviceInfo info_;
  bool late_compile_poisons_;
  events::Writer& writer_;
  std::uint64_t used_bytes_ = 0;
  bool poisoned_ = false;
  std::vector<std::unique_ptr<std::vector<float>>> memory_;
};

}  // namespace smgate::workload
