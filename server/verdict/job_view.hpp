// What the dashboard shows of a judged job, out of its facts, its report and its time line: the state of each kernel
// key, the figures for trends, and the key that the first cause is about. Pure; any thread.
#pragma once

#include "common/contract/facts.hpp"
#include "common/contract/report.hpp"
#include "server/store/job_views.hpp"
#include "server/verdict/job_timeline.hpp"

namespace smgate::verdict {

inline constexpr std::size_t kKeysShownMax = 20'000;  // the largest known model has 23,547; what is left out is counted

store::JobView view_of(const contract::Facts& facts, const contract::Report& report, const JobTimeline& timeline);

// Empty where the most upstream cause is about no key.
std::string guilty_key(const contract::Report& report);

}  // namespace smgate::verdict
