// Two runs side by side: outcomes, causes, findings and figures that differ. On a reader thread of the store.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "server/store/views.hpp"

namespace smgate::dashboard {

inline constexpr std::size_t kFindingsShownMax = 500;  // new ones, and as many gone; the rest is counted

// An element for each architecture of either run: schema ArchDiff of openapi.yaml.
nlohmann::json compare_jobs(const store::RunDetail& run, const store::RunDetail& base);

}  // namespace smgate::dashboard
