// KC-7: each pre-warm ends before any payload of any scope in its process; the memory free after it covers the payloads
// declared; no single workspace takes more than the policy's share of the device.
//
// On unified memory a workload that asks the driver hears too little, for the page cache counts as used there. What the
// runner says that the host could give when the stage began, less the modules of the pre-warm, counts there instead.
// That the memory is unified the runner's configuration may say or the workload, which has asked the device.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "common/contract/clauses/rule.hpp"
#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

Finding finding(std::string kind, std::string scope, std::string message, std::vector<EventRef> evidence) {
  Finding made;
  made.clause = "KC-7";
  made.kind = std::move(kind);
  made.scope = std::move(scope);
  made.message = std::move(message);
  made.evidence = std::move(evidence);
  return made;
}

template <std::size_t N>
bool names_any(const std::string& name, const std::array<std::string_view, N>& words) {
  std::string lower = name;
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

// Weights and what training keeps of them may fill a device. Working memory may not: by its name, or because it is
// taken outside of any payload and is not called one.
bool is_workspace(const Allocation& allocation) {
  constexpr std::array<std::string_view, 2> kWorking = {"workspace", "scratch"};
  constexpr std::array<std::string_view, 8> kKept = {"weight", "param",    "gradient",   "moment",
                                                     "optim",  "kv_cache", "activation", "embed"};
  if (names_any(allocation.name, kWorking)) return true;
  return !allocation.in_payload && !names_any(allocation.name, kKept);
}

void judge_order(const Process& process, Judgement& judgement) {
  for (const auto& [name, scope] : process.scopes) {
    if (!scope.payload_before || scope.ends == 0) continue;
    std::vector<EventRef> evidence = {*scope.payload_before};
    if (scope.last_end) evidence.insert(evidence.begin(), *scope.last_end);
    judgement.findings.push_back(
        finding("prewarm_after_payload", name,
                fmt::format("the pre-warm of {} ended after the payload of {} was on the device", quoted(name),
                            quoted(scope.after_payload_of)),
                std::move(evidence)));
  }
}

bool is_runner(const Process& process) { return process.start && process.start->ref.source == Source::runner; }

// What is known of the memory that payloads go to.
struct DeviceMemory {
  bool known = false;
  std::uint64_t total_bytes = 0;           // of the largest device: processes of one run share it
  std::optional<std::uint64_t> available;  // the host's MemAvailable at the start, where it is the device's, too
};

DeviceMemory device_memory(const Facts& facts) {
  DeviceMemory device;
  bool unified = false;
  for (const auto& [id, process] : facts.processes) unified = unified || (process.memory && process.memory->unified);
  for (const auto& [id, process] : facts.processes) {
    if (!process.memory || (is_runner(process) && !unified)) continue;  // of a host that keeps its memory to itself
    device.known = true;
    device.total_bytes = std::max(device.total_bytes, process.memory->total_bytes);
    if (is_runner(process)) device.available = process.memory->free_bytes;
  }
  return device;
}

std::uint64_t prewarmed_bytes(const Process& process) {
  std::uint64_t bytes = 0;
  for (const auto& [cache, keys] : process.caches)
    for (const auto& [name, key] : keys)
      if (key.prewarmed()) bytes += key.bytes;
  return bytes;
}

// False: what was free between pre-warm and payload is not known.
bool judge_free_memory(const Process& process, const std::optional<std::uint64_t>& available, Judgement& judgement) {
  std::uint64_t declared = 0, least = UINT64_MAX;
  const EventRef* end = nullptr;
  bool known = process.marks == 0;  // without kernels of its own it uploads whenever it likes
  for (const auto& [name, scope] : process.scopes) {
    declared += scope.payload_bytes;
    std::optional<std::uint64_t> free = scope.free_bytes_after;
    if (available) free = *available - std::min(*available, prewarmed_bytes(process));
    known = known || free || scope.payload_before;
    if (scope.payload_before || scope.ends == 0 || !free || *free >= least) continue;
    least = *free;
    end = &*scope.last_end;
  }
  if (end == nullptr || declared <= least) return known || declared == 0;
  judgement.findings.push_back(finding("payload_over_free_memory", "",
                                       fmt::format("{} were free after the pre-warm; the payloads declared need {}",
                                                   bytes_for_people(least), bytes_for_people(declared)),
                                       {*end}));
  judgement.findings.back().bytes = declared;
  return true;
}

// One finding for each workspace of one size: blocks have one each.
void judge_workspaces(const Process& process, std::uint64_t total_bytes, const Policy& policy, Judgement& judgement) {
  const auto limit = static_cast<std::uint64_t>(policy.workspace_share * static_cast<double>(total_bytes));
  for (const Allocation& allocation : process.allocations) {
    if (!is_workspace(allocation) || allocation.bytes <= limit) continue;
    Finding over = finding("workspace_over_budget", "",
                           fmt::format("{} takes {}, {:.3g} % of the device's {}; the policy allows {:g} %{}",
                                       quoted(allocation.name), bytes_for_people(allocation.bytes),
                                       100 * static_cast<double>(allocation.bytes) / static_cast<double>(total_bytes),
                                       bytes_for_people(total_bytes), policy.workspace_share * 100,
                                       allocation.refused ? "; it was refused" : ""),
                           {allocation.ref});
    over.key = allocation.name;
    over.bytes = allocation.bytes;
    report_finding(judgement, policy, std::move(over));
  }
}

}  // namespace

Judgement judge_kc_7(const Facts& facts, const Policy& policy) {
  Judgement judgement;
  bool any_payload = false, free_known = true;
  const DeviceMemory device = device_memory(facts);
  for (const auto& [id, process] : facts.processes) {
    any_payload = any_payload || process.first_payload;
    judge_order(process, judgement);
    free_known = judge_free_memory(process, device.available, judgement) && free_known;
    if (device.total_bytes > 0) judge_workspaces(process, device.total_bytes, policy, judgement);
  }
  std::string doubt = doubt_about_kernels(facts);
  if (doubt.empty() && !any_payload) doubt = "no payload was marked: what was uploaded when is not known";
  if (doubt.empty() && !device.known) doubt = "no memory event: what the device holds is not known";
  if (doubt.empty() && !free_known)
    doubt = "no memory event between a pre-warm and its payload: what was free then is not known";
  return concluded(std::move(judgement), doubt);
}

}  // namespace smgate::contract
