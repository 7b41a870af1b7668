// Holds JSON against a schema of schemas/ (draft-07), by valijson. Slow to compile: one file a test program includes
// it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "common/file.hpp"

namespace smgate::test {

class JsonSchema {
 public:
  explicit JsonSchema(nlohmann::json document) : document_(std::move(document)) {
    valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
    parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(document_), schema_);
  }
  // `name` as in schemas/NAME.schema.json.
  static JsonSchema of_project(const std::string& name) {
    const std::string path = std::string(SMGATE_SOURCE_DIR) + "/schemas/" + name + ".schema.json";
    return JsonSchema(nlohmann::json::parse(read_file(path, 1U << 20U).value()));
  }

  // Empty where it is valid, else what is wrong and where.
  std::string mistakes(const nlohmann::json& value) const {
    valijson::Validator validator;
    valijson::ValidationResults results;
    if (validator.validate(schema_, valijson::adapters::NlohmannJsonAdapter(value), &results)) return "";
    std::string text;
    valijson::ValidationResults::Error error;
    while (results.popError(error)) {
      for (const std::string& step : error.context) text += step;
      text += ": " + error.description + "\n";
    }
    return text.empty() ? "not valid" : text;
  }

 private:
  nlohmann::json document_;
  valijson::Schema schema_;
};

}  // namespace smgate::test
