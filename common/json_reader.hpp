// Reads configuration and gate files out of JSON with comments so that every mistake is named by its JSON pointer
// (RFC 6901): unknown fields, wrong types, values out of range. All mistakes are collected, not only the first.
//
//   JsonReader reader(json);                       // the document
//   const auto port = reader.integer("port", 8080, {1, 65535});
//   for (JsonReader& stage : reader.objects("stages", {1, 32})) { ... stage.finish(); }
//   reader.finish();                               // unknown fields become mistakes
//   if (!reader.mistakes().empty()) ...
//
// A reader borrows the document, which must outlive it. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"

namespace smgate {

// JSON with // and /* */ comments; the error says line and column.
Result<nlohmann::json> parse_json_with_comments(std::string_view text);

struct IntegerRange {
  std::int64_t min;
  std::int64_t max;
};
struct FloatRange {
  double min;
  double max;
};

class JsonReader {
 public:
  explicit JsonReader(const nlohmann::json& document);

  const std::string& pointer() const { return pointer_; }
  const nlohmann::json& value() const { return value_; }
  bool has(const std::string& field);  // also marks it as known

  // Each returns the fallback where the field is absent or wrong; a wrong one is a mistake. No fallback: required.
  std::int64_t integer(const std::string& field, std::optional<std::int64_t> fallback, IntegerRange range);
  double number(const std::string& field, std::optional<double> fallback, FloatRange range);
  bool boolean(const std::string& field, std::optional<bool> fallback);
  std::string string(const std::string& field, std::optional<std::string> fallback);
  std::string one_of(const std::string& field, std::optional<std::string> fallback,
                     const std::vector<std::string>& choices);
  std::vector<std::string> strings(const std::string& field, IntegerRange count);

  // Readers for nested objects, owned by this one; absent where the field is.
  JsonReader* object(const std::string& field);
  std::vector<JsonReader*> objects(const std::string& field, IntegerRange count);

  void mistake(const std::string& field, const std::string& what);  // field "" means this value itself
  void mistake_in_list(const std::string& field, std::size_t index, const std::string& what);
  // Every field not asked for by now is a mistake; to be called once a reader, after the last field.
  void finish();

  // Of this reader and all nested ones, in document order of discovery. where = JSON pointer.
  const std::vector<Error>& mistakes() const { return *mistakes_; }

 private:
  JsonReader(const nlohmann::json& value, std::string pointer, std::shared_ptr<std::vector<Error>> mistakes);
  const nlohmann::json* find(const std::string& field, bool required);
  std::string path(const std::string& field) const;

  const nlohmann::json& value_;
  std::string pointer_;
  std::shared_ptr<std::vector<Error>> mistakes_;
  std::set<std::string> known_;
  std::deque<std::unique_ptr<JsonReader>> nested_;
};

// "a.json: /stages/0/timeout_s: must be ...; /x: ..." as one Error; mistakes must not be empty.
Error join_mistakes(const std::vector<Error>& mistakes, const std::string& file);

}  // namespace smgate
