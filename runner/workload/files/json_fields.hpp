// The fields of one JSON object, each value as its own text: enough for the small files beside a checkpoint, which come
// from anywhere. Pure; any thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "runner/workload/base/outcome.hpp"

namespace smgate::workload {

// Failure: what is wrong, and where. A name twice is wrong.
Outcome<std::map<std::string, std::string>> json_fields(std::string_view text);

// A string's value; empty where the text is none, or has escapes beyond \" \\ and \/.
std::optional<std::string> json_string(std::string_view text);

}  // namespace smgate::workload
