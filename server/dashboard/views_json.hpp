// Rows as the API's JSON (schemas/openapi.yaml). Pure values; any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "server/store/runners.hpp"
#include "server/store/views.hpp"

namespace smgate::dashboard {

nlohmann::json to_json(const store::RunSummary& summary);
nlohmann::json without_jobs(const store::RunDetail& detail);  // the rest of both: detail_text.hpp
nlohmann::json without_report(const store::JobDetail& detail);
nlohmann::json to_json(const store::Job& job);
nlohmann::json to_json(const store::TrendPoint& point);
nlohmann::json to_json(const std::optional<store::JobStats>& stats);
nlohmann::json to_json(const store::Runner& runner, bool online, int busy_slots);
nlohmann::json counts_json(const store::KeyCounts& counts);

}  // namespace smgate::dashboard
