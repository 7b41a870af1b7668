// Rows as the API's JSON (schemas/openapi.yaml). Pure values; any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "server/store/curves.hpp"
#include "server/store/runners.hpp"
#include "server/store/views.hpp"

namespace smgate::dashboard {

nlohmann::json to_json(const store::RunSummary& summary);
nlohmann::json to_json(const store::RunDetail& detail);
nlohmann::json to_json(const store::Runner& runner, bool online);

// A list a column, in which null is "the step did not say", and what is not finite is text, as in events.
nlohmann::json columns_of(const std::vector<store::CurvePoint>& points);

}  // namespace smgate::dashboard
