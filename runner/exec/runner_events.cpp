#include "runner/exec/runner_events.hpp"

#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>

namespace smgate::exec {
namespace {

using nlohmann::ordered_json;

ordered_json envelope(std::string_view event, std::uint64_t seq) {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();  // CLOCK_MONOTONIC
  return {{"ev", event},     {"seq", seq}, {"t_ns", std::chrono::duration_cast<std::chrono::nanoseconds>(now).count()},
          {"pid", getpid()}, {"rank", 0},  {"source", "runner"}};
}

protocol::EventChunk chunk(const ordered_json& event) {
  return {std::string(kRunnerEventsFile), event.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n"};
}

}  // namespace

void RunnerEvents::attest(const Arch& arch, const protocol::Device& device) {
  ordered_json event = envelope("run_start", seq_++);
  event["arch"] = arch.value;
  event["device"] = device.name;
  event["emulated"] = device.emulated;
  event["cold"] = true;
  sink_.put(chunk(event));
}

void RunnerEvents::memory(const device::Memory& memory, bool unified) {
  ordered_json event = envelope("memory", seq_++);
  event["free"] = memory.available_bytes;
  event["total"] = memory.total_bytes;
  event["unified"] = unified;
  sink_.put(chunk(event));
}

void RunnerEvents::checkpoint(const contract::Checkpoint& seen) {
  ordered_json event = envelope("checkpoint", seq_++);
  event["path"] = seen.path;
  if (!seen.claimed_container.empty()) event["claimed_container"] = seen.claimed_container;
  if (!seen.container.empty()) event["container"] = seen.container;
  if (seen.bytes) event["bytes"] = *seen.bytes;
  if (seen.whole) event["whole"] = *seen.whole;
  if (seen.tensors) event["tensors"] = *seen.tensors;
  if (seen.finite) event["finite"] = *seen.finite;
  if (!seen.text.empty()) event["text"] = seen.text;
  sink_.put(chunk(event));
}

void RunnerEvents::error(const std::string& text) {
  ordered_json event = envelope("error", seq_++);
  event["text"] = text;
  sink_.put(chunk(event));
}

void RunnerEvents::failed(const std::string& symptom) {
  ordered_json event = envelope("run_end", seq_++);
  event["status"] = "failed";
  event["symptom"] = symptom;
  sink_.put(chunk(event));
}

}  // namespace smgate::exec
