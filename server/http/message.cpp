#include "server/http/message.hpp"

#include <nlohmann/json.hpp>

namespace smgate::http {
namespace {

std::optional<std::string> find(const Fields& fields, std::string_view name) {
  const auto it = fields.find(name);
  return it == fields.end() ? std::nullopt : std::optional(it->second);
}

std::string dump(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

std::optional<std::string> Request::header(std::string_view name) const { return find(headers, name); }
std::optional<std::string> Request::query_value(std::string_view name) const { return find(query, name); }

Response json_response(unsigned status, const nlohmann::json& value) {
  Response response;
  response.status = status;
  response.content_type = "application/json";
  response.body = dump(value);
  return response;
}

Response text_response(unsigned status, std::string text) {
  Response response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(text);
  return response;
}

Response problem_response(const Problem& problem, const std::string& instance) {
  Response response = json_response(problem.status, {{"type", "urn:smgate:problem:" + problem.slug},
                                                     {"title", reason_phrase(problem.status)},
                                                     {"status", problem.status},
                                                     {"detail", problem.detail},
                                                     {"instance", instance},
                                                     {"next", problem.next}});
  response.content_type = "application/problem+json";
  return response;
}

std::string_view reason_phrase(unsigned status) {
  switch (status) {
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 416:
      return "Range Not Satisfiable";
    case 426:
      return "Upgrade Required";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    default:
      return "";
  }
}

}  // namespace smgate::http
