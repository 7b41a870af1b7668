#include "tests/support/github_api.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <vector>

#include "common/file.hpp"
#include "tests/support/schema.hpp"

namespace smgate::test {
namespace {

using nlohmann::json;

std::vector<std::string> split(const std::string& text, char by) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == by)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

bool matches(const std::string& pattern, const std::string& path) {
  const std::vector<std::string> wanted = split(pattern, '/');
  const std::vector<std::string> steps = split(path, '/');
  if (steps.size() != wanted.size()) return false;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (wanted[i].rfind('{', 0) != 0 && wanted[i] != steps[i]) return false;
  return true;
}

std::string query_mistakes(const json& known, const std::string& query) {
  for (const std::string& pair : split(query, '&')) {
    const std::string name = pair.substr(0, pair.find('='));
    if (pair.empty()) continue;
    if (!known.contains(name)) return "the query parameter " + name + " is not described";
    const json& schema = known[name];
    const std::string value = pair.substr(name.size() + 1);
    if (schema.contains("enum") &&
        std::find(schema["enum"].begin(), schema["enum"].end(), value) == schema["enum"].end())
      return name + " is none of its values";
  }
  return "";
}

json filled_up(json own, const json& example) {
  if (own.is_array() && !example.empty())
    for (json& item : own) item = filled_up(std::move(item), example.is_array() ? example[0] : json());
  if (!own.is_object() || !example.is_object()) return own;
  json whole = example;
  for (auto& [name, value] : own.items())
    whole[name] = example.contains(name) ? filled_up(std::move(value), example[name]) : std::move(value);
  return whole;
}

// Each compiled once a process: it takes long, and tests begin with a GitHub of their own.
const JsonSchema& compiled(const std::string& name, const json& components, const json& schema) {
  static std::mutex mutex;
  static std::map<std::string, JsonSchema> all;
  const std::lock_guard lock(mutex);
  const auto found = all.find(name);
  if (found != all.end()) return found->second;
  return all.try_emplace(name, json{{"components", components}, {"allOf", {schema}}}).first->second;
}

}  // namespace

GithubApi::GithubApi()
    : document_(
          json::parse(read_file(std::string(SMGATE_BIN_DIR) + "/../github_api/operations.json", 8U << 20U).value())) {}

std::set<std::string> GithubApi::all() const {
  std::set<std::string> names;
  for (const json& operation : document_["operations"])
    names.insert(operation["method"].get<std::string>() + " " + operation["path"].get<std::string>());
  return names;
}

const json* GithubApi::find(const std::string& method, const std::string& plain_path) const {
  for (const json& operation : document_["operations"])
    if (operation["method"] == method && matches(operation["path"], plain_path)) return &operation;
  return nullptr;
}

std::string GithubApi::mistakes(const std::string& method, const std::string& path, const std::string& body) {
  const std::string plain = path.substr(0, path.find('?'));
  const json* operation = find(method, plain);
  if (operation == nullptr) return method + " " + plain + " is not described";
  const std::string name = method + " " + (*operation)["path"].get<std::string>();
  const std::string query = plain.size() < path.size() ? path.substr(plain.size() + 1) : "";
  std::string wrong = query_mistakes((*operation)["query"], query);
  if (wrong.empty()) wrong = body_mistakes(name, *operation, body);
  if (wrong.empty()) used_.insert(name);
  return wrong.empty() ? "" : name + ": " + wrong;
}

json GithubApi::complete(const std::string& method, const std::string& path, unsigned status, json body,
                         std::string& wrong) {
  const json* operation = find(method, path.substr(0, path.find('?')));
  const std::string code = std::to_string(status);
  if (operation == nullptr || status >= 300) return body;
  const json& answers = (*operation)["answers"];
  if (!answers.contains(code)) return body;  // one without a body
  json whole = filled_up(std::move(body), answers[code]["example"]);
  const std::string name = method + " " + (*operation)["path"].get<std::string>() + " " + code;
  if (const std::string found = schema_mistakes(name, answers[code]["schema"], whole); !found.empty())
    wrong = "the answer of " + name + ": " + found;
  return whole;
}

std::string GithubApi::permission_mistakes(const json& permissions) {
  json schema = document_["components"]["schemas"]["app-permissions"];
  schema["additionalProperties"] = false;
  schema["components"] = document_["components"];
  return JsonSchema(schema).mistakes(permissions);
}

std::string GithubApi::body_mistakes(const std::string& name, const json& operation, const std::string& body) {
  if (body.empty()) return operation["body_required"] == true ? "a body is required" : "";
  if (operation["body"].is_null()) return "a body is not described";
  const json value = json::parse(body, nullptr, false);
  if (value.is_discarded()) return "the body is no JSON";
  return schema_mistakes(name, operation["body"], value);
}

std::string GithubApi::schema_mistakes(const std::string& name, const json& schema, const json& value) {
  return compiled(name, document_["components"], schema).mistakes(value);
}

}  // namespace smgate::test
