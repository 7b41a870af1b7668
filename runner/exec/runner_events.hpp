// The runner's own events (source "runner"): the attestation that a stage runs cold, what memory and checkpoints it
// saw, and what was wrong with the workload's files. They travel under a file name that no workload can use. One stage,
// the job's thread.
#pragma once

#include <string>
#include <string_view>

#include "common/contract/event.hpp"
#include "common/ids.hpp"
#include "common/protocol/messages.hpp"
#include "runner/device/host.hpp"
#include "runner/exec/item_sink.hpp"

namespace smgate::exec {

inline constexpr std::string_view kRunnerEventsFile = "runner.jsonl";
inline constexpr std::string_view kAdapterEventsFile = "adapter.jsonl";

class RunnerEvents {
 public:
  explicit RunnerEvents(ItemSink& sink) : sink_(sink) {}

  // run_start: the caches of this stage were private and empty when it began.
  void attest(const Arch& arch, const protocol::Device& device);
  // What the host can give: on unified memory that is the device's, where the driver counts the page cache as used.
  // `unified`: the operator says so; where he does not, the workload may, which has asked the device.
  void memory(const device::Memory& memory, bool unified);
  // What the runner saw of a file that the workload had reported.
  void checkpoint(const contract::Checkpoint& seen);
  void error(const std::string& text);
  // run_end: the run did not end well, or was not made.
  void failed(const std::string& symptom);

 private:
  ItemSink& sink_;
  std::uint64_t seq_ = 0;
};

}  // namespace smgate::exec
