// KC-1: telemetry, a marked end of pre-warm, and a cold start. Silence is inconclusive, never a pass; so this clause
// never fails: it says what nobody could have seen.
#include <spdlog/fmt/fmt.h>

#include "common/contract/clauses/rule.hpp"
#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

struct Telemetry {
  std::uint64_t cache_events = 0, marks = 0;
  bool cold = false, warm = false;
  std::string unmarked, unended;
};

Telemetry look(const Facts& facts) {
  Telemetry seen;
  for (const auto& [id, process] : facts.processes) {
    seen.cache_events += process.cache_events;
    seen.marks += process.marks;
    if (process.start && process.start->cold) (*process.start->cold ? seen.cold : seen.warm) = true;
    if (process.cache_events > 0 && process.marks == 0) seen.unmarked = fmt::format("process {}", id.pid);
    for (const auto& [name, scope] : process.scopes)
      if (scope.open) seen.unended = name;
  }
  return seen;
}

}  // namespace

Judgement judge_kc_1(const Facts& facts, const Policy&) {
  const Telemetry seen = look(facts);
  if (facts.events == 0) return inconclusive("the run reported no event at all");
  if (seen.cache_events == 0) return inconclusive("no kernel cache reported anything: a silent cache shows no miss");
  if (seen.marks == 0) return inconclusive("no end of a pre-warm is marked (an empty pre-warm is marked, too)");
  if (!seen.unended.empty()) return inconclusive(fmt::format("the pre-warm of {} never ended", quoted(seen.unended)));
  if (!seen.unmarked.empty()) return inconclusive(seen.unmarked + " used kernels but marked no end of a pre-warm");
  // The runner vouches for the caches it knows; the workload may use another, and says so.
  if (seen.warm) return inconclusive("the run says that a disk cache may have served its kernels");
  if (!seen.cold)
    return inconclusive("nobody attests a cold start: a warm disk cache hides every miss (run_start with cold: true)");
  if (facts.unreadable > 0 || facts.left_out > 0) return inconclusive(doubt_about_completeness(facts));
  for (const auto& [id, process] : facts.processes)
    if (process.events_missing > 0) return inconclusive(doubt_about_completeness(facts));
  return {};
}

}  // namespace smgate::contract
