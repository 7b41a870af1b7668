// A run and a job in full, written straight into text: reports are stored as JSON, and go out as they lie there.
// Reading them into a tree of values to write them again took a quarter of a run page's time. Pure; any thread.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "server/store/views.hpp"

namespace smgate::dashboard {

// The members of an object that this program wrote itself, each as its text. Empty where it is damaged.
std::map<std::string_view, std::string_view> members_of(std::string_view object);

// `more` has the members that stand beside those of the job.
std::string to_text(const store::JobDetail& detail, const nlohmann::json& more);
std::string to_text(const store::RunDetail& detail);

}  // namespace smgate::dashboard
