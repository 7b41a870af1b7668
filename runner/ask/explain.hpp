// A run's verdict in sentences: cause, guilty key, evidence, and what to do. Pure; any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace smgate::ask {

std::string explain(const nlohmann::json& run);  // as GET /api/v1/runs/{id} gives it

}  // namespace smgate::ask
