// What the API's addresses ask for, checked: ids, cursors, numbers, filters. A mistake is a problem document that names
// the parameter. Pure; any thread.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/ids.hpp"
#include "common/json_reader.hpp"
#include "common/result.hpp"
#include "server/http/message.hpp"
#include "server/store/views.hpp"

namespace smgate::dashboard {

// Where a parameter is unknown, that is the error: a filter that is misspelt must not answer everything.
Result<void> only_known(const http::Request& request, const std::vector<std::string>& known);
Result<std::int64_t> integer_parameter(const http::Request& request, const std::string& name, std::int64_t fallback,
                                       IntegerRange range);

Result<store::RunFilter> parse_filter(const http::Request& request);
Result<std::optional<RunId>> parse_cursor(const http::Request& request);  // ?before=

// The address of the next page: the same question, from the cursor on; null where there is none.
nlohmann::json next_page(const http::Request& request, const std::string& cursor,
                         const std::optional<std::string>& value);

// Large answers are put together, and written as text, on a reader thread of the store.
std::string to_text(const nlohmann::json& value);
http::Response json_text(std::string text);
std::string tag_of(std::string_view body);  // its ETag, of its digest

http::Response bad_parameter(const http::Request& request, const Error& error);   // 400
http::Response not_found(const http::Request& request, const std::string& what);  // 404

}  // namespace smgate::dashboard
