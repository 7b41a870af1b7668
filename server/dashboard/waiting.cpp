#include "server/dashboard/waiting.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/clock.hpp"

namespace smgate::dashboard {
namespace {

// "14:02 UTC" of today, else with its date.
std::string say_time(std::int64_t unix_ms, std::int64_t now_ms) {
  const std::string then = to_rfc3339(unix_ms);
  const std::string now = to_rfc3339(now_ms);
  const std::string time = then.substr(11, 5) + " UTC";
  return then.substr(0, 10) == now.substr(0, 10) ? time : then.substr(0, 10) + " " + time;
}

struct Count {
  int known = 0, online = 0, taking = 0;
  int slots = 0, held = 0;  // of those that take jobs
  std::optional<std::int64_t> last_seen_ms;
};

Count count(const Fleet& fleet, const Arch& arch) {
  Count count;
  for (const FleetRunner& member : fleet) {
    if (member.runner.arch != arch || member.runner.revoked) continue;
    ++count.known;
    if (member.runner.last_seen_ms)
      count.last_seen_ms = std::max(count.last_seen_ms.value_or(0), *member.runner.last_seen_ms);
    if (!member.online) continue;
    ++count.online;
    if (member.runner.draining || member.runner.drained) continue;
    ++count.taking;
    count.slots += member.runner.slots;
    count.held += member.held;
  }
  return count;
}

}  // namespace

Waiting why_waiting(const store::QueuedJob& job, const Fleet& fleet, std::int64_t now_ms) {
  const std::string& arch = job.arch.value;
  const Count runners = count(fleet, job.arch);
  if (runners.known == 0) return {"no_runner", "no runner with " + arch + " has a token", std::nullopt};
  if (runners.online == 0 && !runners.last_seen_ms)
    return {"offline", "no runner with " + arch + " has ever been online", std::nullopt};
  if (runners.online == 0)
    return {"offline",
            fmt::format("no runner with {} is online since {}", arch, say_time(*runners.last_seen_ms, now_ms)),
            runners.last_seen_ms};
  if (runners.taking == 0)
    return {"draining", fmt::format("every runner with {} that is online is draining", arch), std::nullopt};
  if (!job.access_error.empty())
    return {"access", fmt::format("{}; asked again at {}", job.access_error, say_time(job.access_retry_ms, now_ms)),
            job.access_retry_ms};
  if (job.ready_ms > now_ms)
    return {"retry", fmt::format("retry not before {}, after a failed attempt", say_time(job.ready_ms, now_ms)),
            job.ready_ms};
  if (runners.held >= runners.slots)
    return {"busy",
            runners.slots == 1 ? fmt::format("the one slot of {} is busy", arch)
                               : fmt::format("all {} slots of {} are busy", runners.slots, arch),
            std::nullopt};
  return {"next", "it is about to be handed out", std::nullopt};
}

}  // namespace smgate::dashboard
