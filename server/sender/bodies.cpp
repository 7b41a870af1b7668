#include "server/sender/bodies.hpp"

#include <utility>

#include "server/sender/plan.hpp"

namespace smgate::sender {
namespace {

using nlohmann::json;

json pick(const json& from, std::initializer_list<const char*> fields) {
  json picked = json::object();
  for (const char* field : fields)
    if (from.contains(field)) picked[field] = from[field];
  return picked;
}

std::string text_of(const json& body) { return body.dump(-1, ' ', false, json::error_handler_t::replace); }

json shorter(const json& body) {
  json less = pick(body, {"name", "head_sha", "external_id", "status", "conclusion", "details_url"});
  if (!body.contains("output") || !body["output"].is_object()) return less;
  const json& output = body["output"];
  less["output"] = {{"title", cut_utf8(text_at(output, "title"), kTitleBytesMax)},
                    {"summary", cut_utf8(text_at(output, "summary"), kShortSummaryBytes)}};
  return less;
}

// https://docs.github.com/en/rest/commits/statuses
std::string state_of(const json& body) {
  const std::string conclusion = text_at(body, "conclusion");
  if (text_at(body, "status") != "completed") return "pending";
  if (conclusion == "success" || conclusion == "neutral" || conclusion == "skipped") return "success";
  if (conclusion == "action_required") return "pending";  // until somebody approves it
  return conclusion == "failure" ? "failure" : "error";
}

}  // namespace

std::string text_at(const json& object, const char* field) {
  if (!object.is_object()) return "";
  const auto found = object.find(field);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::int64_t number_at(const json& object, const char* field) {
  if (!object.is_object()) return 0;
  const auto found = object.find(field);
  return found != object.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

std::string cut_utf8(const std::string& text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end);
}

json annotations_of(const json& body) {
  const bool there = body.is_object() && body.contains("output") && body["output"].is_object() &&
                     body["output"].contains("annotations");
  return there ? body["output"]["annotations"] : json::array();
}

json update_body(const json& set_check) {
  json body = set_check;
  body.erase("head_sha");
  return body;
}

json annotations_body(const json& add_annotations) { return pick(add_annotations, {"output"}); }

json status_body(const json& set_check) {
  json body{{"state", state_of(set_check)}, {"context", text_at(set_check, "name")}};
  if (set_check.contains("output"))
    body["description"] = cut_utf8(text_at(set_check["output"], "title"), kDescriptionBytesMax);
  if (const std::string url = text_at(set_check, "details_url"); !url.empty()) body["target_url"] = url;
  return body;
}

std::string comment_mark(const std::string& external_id) { return "<!-- smgate:" + external_id + " -->"; }

std::string comment_text(const json& create_comment, const std::string& external_id) {
  return text_at(create_comment, "body") + "\n\n" + comment_mark(external_id);
}

std::string cut_body(const std::string& body, store::BodyCut cut) {
  if (cut == store::BodyCut::whole) return body;
  const json whole = json::parse(body, nullptr, false);
  if (cut == store::BodyCut::short_output) return text_of(shorter(whole));
  return text_of(pick(whole, {"name", "head_sha", "external_id", "status", "conclusion"}));
}

}  // namespace smgate::sender
