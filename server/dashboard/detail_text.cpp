#include "server/dashboard/detail_text.hpp"

#include <nlohmann/json.hpp>
#include <optional>

#include "server/dashboard/parameters.hpp"
#include "server/dashboard/views_json.hpp"

namespace smgate::dashboard {
namespace {

// Where the value ends that begins at `at`: the comma or bracket after it, outside of texts and of deeper brackets.
std::size_t end_of_value(std::string_view json, std::size_t at) {
  int depth = 0;
  bool in_text = false;
  for (; at < json.size(); ++at) {
    const char c = json[at];
    if (in_text) {
      if (c == '\\')
        ++at;
      else if (c == '"')
        in_text = false;
    } else if (c == '"') {
      in_text = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (depth == 0 && (c == ',' || c == '}')) {
      return at;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return std::string_view::npos;
}

// An object's text, open at its end for more members.
std::string open_text(const nlohmann::json& object) {
  std::string text = to_text(object);
  text.erase(text.rfind('}'));
  return text;
}

void put_member(std::string& text, std::string_view name, std::string_view value) {
  text.append(",\"").append(name).append("\":").append(value);
}

std::string_view text_or(const std::optional<std::string>& text, std::string_view fallback) {
  return text ? std::string_view(*text) : fallback;
}

}  // namespace

std::map<std::string_view, std::string_view> members_of(std::string_view object) {
  std::map<std::string_view, std::string_view> members;
  if (object.empty() || object.front() != '{') return {};
  for (std::size_t at = 1; at < object.size() && object[at] == '"';) {
    const std::size_t name_end = object.find("\":", at + 1);
    if (name_end == std::string_view::npos) return {};
    const std::size_t end = end_of_value(object, name_end + 2);
    if (end == std::string_view::npos) return {};
    members.emplace(object.substr(at + 1, name_end - at - 1), object.substr(name_end + 2, end - name_end - 2));
    at = end + 1;
  }
  return members;
}

std::string to_text(const store::JobDetail& detail, const nlohmann::json& more) {
  nlohmann::json fields = without_report(detail);
  fields.update(more);
  std::string text = open_text(fields);
  const std::string_view report = text_or(detail.report_json, "");
  const auto members = members_of(report);
  text.reserve(text.size() + report.size() + 128);
  for (const char* part : {"causes", "findings", "warnings", "clauses", "resemblance"}) {
    const auto found = members.find(part);
    const bool one = part == std::string_view("resemblance");
    put_member(text, part, found != members.end() ? found->second : one ? "null" : "[]");
  }
  return text + "}";
}

std::string to_text(const store::RunDetail& detail) {
  std::string text = open_text(without_jobs(detail));
  text += ",\"jobs\":[";
  for (const store::JobDetail& job : detail.jobs)
    text += (text.back() == '[' ? "" : ",") + to_text(job, nlohmann::json::object());
  text += "]";
  put_member(text, "report", text_or(detail.report_json, "null"));
  put_member(text, "blame", text_or(detail.blame_json, "null"));
  return text + "}\n";
}

}  // namespace smgate::dashboard
