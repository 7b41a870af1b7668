#include "server/dashboard/parameters.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <nlohmann/json.hpp>
#include <utility>

#include "server/http/target.hpp"

namespace smgate::dashboard {
namespace {

constexpr std::size_t kCommitDigitsMin = 4;  // as git abbreviates at least
constexpr std::size_t kCommitDigitsMax = 64;

bool is_commit_prefix(const std::string& text) {
  return text.size() >= kCommitDigitsMin && text.size() <= kCommitDigitsMax &&
         text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace

Result<void> only_known(const http::Request& request, const std::vector<std::string>& known) {
  for (const auto& [name, value] : request.query)
    if (std::find(known.begin(), known.end(), name) == known.end())
      return Error{fmt::format("query parameter \"{}\" is not known here", name), "",
                   known.empty() ? "give none" : fmt::format("use: {}", fmt::join(known, ", "))};
  return {};
}

Result<std::int64_t> integer_parameter(const http::Request& request, const std::string& name, std::int64_t fallback,
                                       IntegerRange range) {
  const std::optional<std::string> text = request.query_value(name);
  if (!text) return fallback;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size() || value < range.min || value > range.max)
    return Error{fmt::format("query parameter \"{}\" is \"{}\"", name, *text), "",
                 fmt::format("give an integer from {} to {}", range.min, range.max)};
  return value;
}

Result<store::RunFilter> parse_filter(const http::Request& request) {
  store::RunFilter filter;
  filter.repository = request.query_value("repository");
  filter.branch = request.query_value("branch");
  filter.commit_prefix = request.query_value("commit");
  if (filter.commit_prefix && !is_commit_prefix(*filter.commit_prefix))
    return Error{fmt::format("query parameter \"commit\" is \"{}\"", *filter.commit_prefix), "",
                 "give 4 to 64 lower-case hex digits"};
  if (const std::optional<std::string> verdict = request.query_value("verdict")) {
    filter.verdict = store::parse_verdict(*verdict);
    if (!filter.verdict)
      return Error{fmt::format("query parameter \"verdict\" is \"{}\"", *verdict), "",
                   "give one of pass, fail, inconclusive"};
  }
  return filter;
}

Result<std::optional<RunId>> parse_cursor(const http::Request& request) {
  const std::optional<std::string> text = request.query_value("before");
  if (!text) return std::optional<RunId>{};
  if (!is_ulid(*text))
    return Error{fmt::format("query parameter \"before\" is \"{}\"", *text), "", "follow the page's \"next\" as it is"};
  return std::optional(RunId{*text});
}

nlohmann::json next_page(const http::Request& request, const std::string& cursor,
                         const std::optional<std::string>& value) {
  if (!value) return nullptr;
  std::string address = request.path + "?" + cursor + "=" + http::percent_encode(*value);
  for (const auto& [name, text] : request.query)
    if (name != cursor) address += "&" + name + "=" + http::percent_encode(text);
  return address;
}

std::string to_text(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

http::Response json_text(std::string text) {
  http::Response response;
  response.content_type = "application/json";
  response.body = std::move(text);
  return response;
}

std::string tag_of(std::string_view body) {
  return fmt::format("\"{:x}-{:016x}\"", body.size(), std::hash<std::string_view>()(body));
}

http::Response bad_parameter(const http::Request& request, const Error& error) {
  return http::problem_response({400, "bad-parameter", error.what, error.next}, request.path);
}

http::Response not_found(const http::Request& request, const std::string& what) {
  return http::problem_response({404, "not-found", what, "GET /api/v1/runs lists what there is"}, request.path);
}

}  // namespace smgate::dashboard
