#include "tests/support/github_api.hpp"

#include <algorithm>
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

}  // namespace

struct GithubApi::Compiled {
  explicit Compiled(json document) : schema(std::move(document)) {}
  JsonSchema schema;
};

GithubApi::GithubApi()
    : document_(
          json::parse(read_file(std::string(SMGATE_BIN_DIR) + "/../github_api/operations.json", 8U << 20U).value())) {}
GithubApi::~GithubApi() = default;

std::set<std::string> GithubApi::all() const {
  std::set<std::string> names;
  for (const json& operation : document_["operations"])
    names.insert(operation["method"].get<std::string>() + " " + operation["path"].get<std::string>());
  return names;
}

std::string GithubApi::mistakes(const std::string& method, const std::string& path, const std::string& body) {
  const std::string plain = path.substr(0, path.find('?'));
  for (const json& operation : document_["operations"]) {
    if (operation["method"] != method || !matches(operation["path"], plain)) continue;
    const std::string name = method + " " + operation["path"].get<std::string>();
    const std::string query = plain.size() < path.size() ? path.substr(plain.size() + 1) : "";
    std::string wrong = query_mistakes(operation["query"], query);
    if (wrong.empty()) wrong = body_mistakes(name, operation, body);
    if (wrong.empty()) used_.insert(name);
    return wrong.empty() ? "" : name + ": " + wrong;
  }
  return method + " " + plain + " is not described";
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
  std::unique_ptr<Compiled>& compiled = compiled_[name];
  if (!compiled)
    compiled =
        std::make_unique<Compiled>(json{{"components", document_["components"]}, {"allOf", {operation["body"]}}});
  return compiled->schema.mistakes(value);
}

}  // namespace smgate::test
