// Why a job waits, in a sentence that says what to do about it. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/store/queue.hpp"

namespace smgate::dashboard {

struct FleetRunner {
  store::Runner runner;
  bool online = false;
  int held = 0;  // jobs
};
using Fleet = std::vector<FleetRunner>;

struct Waiting {
  std::string kind;  // as openapi.yaml lists them
  std::string text;
  std::optional<std::int64_t> since_ms;  // of a retry: from when on
};
Waiting why_waiting(const store::QueuedJob& job, const Fleet& fleet, std::int64_t now_ms);

}  // namespace smgate::dashboard
