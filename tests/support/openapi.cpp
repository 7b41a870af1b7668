#include "tests/support/openapi.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <stdexcept>

#include "common/file.hpp"
#include "tests/support/schema.hpp"

namespace smgate::test {
namespace {

using nlohmann::json;

const std::string kSchemas = std::string(SMGATE_SOURCE_DIR) + "/schemas/";

// A plain scalar has the type that it looks like; a quoted one is text.
json scalar(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  if (node.Tag() == "!") return text;
  const json parsed = json::parse(text, nullptr, false);
  return parsed.is_number() || parsed.is_boolean() || parsed.is_null() ? parsed : json(text);
}

json to_json(const YAML::Node& node) {
  if (node.IsScalar()) return scalar(node);
  if (node.IsSequence()) {
    json list = json::array();
    for (const YAML::Node& item : node) list.push_back(to_json(item));
    return list;
  }
  json object = json::object();
  for (const auto& item : node)
    if (!object.emplace(item.first.Scalar(), to_json(item.second)).second)
      throw std::runtime_error("openapi.yaml: a key stands twice: " + item.first.Scalar());
  return object;
}

// OpenAPI 3.0's `nullable: true` in draft-07's words.
void convert_nullable(json& value) {
  if (value.is_structured())
    for (json& item : value) convert_nullable(item);
  if (!value.is_object() || !value.contains("nullable")) return;
  value.erase("nullable");
  json others = std::move(value);
  value = json{{"anyOf", {std::move(others), {{"type", "null"}}}}};
}

// Refs inside a file that was brought in, and refs to a file, all as refs into the one document.
void convert_refs(json& value, const std::string& file, json& files) {
  if (value.is_structured())
    for (auto& item : value) convert_refs(item, file, files);
  if (!value.is_object() || !value.contains("$ref") || !value["$ref"].is_string()) return;
  const std::string ref = value["$ref"];
  const std::size_t hash = ref.find('#');
  const std::string other = ref.substr(0, hash);
  if (other.empty() && file.empty()) return;
  const std::string target = other.empty() ? file : other;
  value["$ref"] = "#/files/" + target + ref.substr(hash + 1);
  if (files.contains(target)) return;
  files[target] = nullptr;
  json brought = json::parse(read_file(kSchemas + target, 1U << 20U).value());
  brought.erase("$id");
  convert_refs(brought, target, files);
  files[target] = std::move(brought);
}

bool matches(const std::string& pattern, const std::string& path) {
  std::size_t p = 0;
  std::size_t q = 0;
  while (p < pattern.size() && q < path.size()) {
    if (pattern[p] == '{') {
      p = pattern.find('}', p) + 1;
      const std::string suffix = pattern.substr(p);
      if (!suffix.empty() && suffix.front() != '/') return path.size() > q + suffix.size() && path.ends_with(suffix);
      q = std::min(path.find('/', q), path.size());
    } else if (pattern[p++] != path[q++]) {
      return false;
    }
  }
  return p == pattern.size() && q == path.size();
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

}  // namespace

struct OpenApi::Compiled {
  explicit Compiled(json document) : schema(std::move(document)) {}
  JsonSchema schema;
};

OpenApi::OpenApi() : document_(to_json(YAML::Load(read_file(kSchemas + "openapi.yaml", 1U << 20U).value()))) {
  json files = json::object();
  convert_refs(document_, "", files);
  document_["files"] = std::move(files);
  convert_nullable(document_);
}
OpenApi::~OpenApi() = default;

OpenApi& OpenApi::of_project() {
  static OpenApi api;
  return api;
}

std::set<std::string> OpenApi::routes() const {
  std::set<std::string> routes;
  for (const auto& [path, methods] : document_["paths"].items())
    for (const auto& [method, operation] : methods.items()) {
      std::string name = method;
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
      routes.insert(name + " " + path);
    }
  return routes;
}

std::string OpenApi::mistakes(const std::string& method, const std::string& path, const HttpAnswer& answer) {
  for (const auto& [pattern, methods] : document_["paths"].items()) {
    if (!matches(pattern, path) || !methods.contains(lower(method))) continue;
    const json& responses = methods[lower(method)]["responses"];
    const std::string status = std::to_string(answer.status);
    if (!responses.contains(status) && answer.status < 400) return "status " + status + " is not described";
    json response = responses.contains(status) ? responses[status] : responses["default"];
    if (response.contains("$ref"))
      response = document_[json::json_pointer(response["$ref"].get<std::string>().substr(1))];
    const auto type = answer.headers.find("content-type");
    const std::string name = type == answer.headers.end() ? "" : type->second.substr(0, type->second.find(';'));
    if (!response.contains("content")) return name.empty() ? "" : "a body is not described";
    if (!response["content"].contains(name)) return "content type " + name + " is not described for " + status;
    if (name.find("json") == std::string::npos) return "";
    return validate(response["content"][name]["schema"], json::parse(answer.body));
  }
  return method + " " + path + " is not described";
}

std::string OpenApi::validate(const json& schema, const json& body) {
  std::unique_ptr<Compiled>& compiled = compiled_[schema.dump()];
  if (!compiled)
    compiled = std::make_unique<Compiled>(
        json{{"components", document_["components"]}, {"files", document_["files"]}, {"allOf", {schema}}});
  return compiled->schema.mistakes(body);
}

}  // namespace smgate::test
