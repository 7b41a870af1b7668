#include "common/json_reader.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace smgate {
namespace {

// RFC 6901: ~ and / inside a name are written ~0 and ~1.
std::string escape(const std::string& name) {
  std::string text;
  for (const char c : name) text += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return text;
}

// A value inside an error: documents may be hostile, so it is short, ASCII, and never walks into nested values.
constexpr std::size_t kShownMax = 80;
std::string shown(const nlohmann::json& value) {
  if (value.is_structured()) return value.type_name();
  std::string text = value.dump(-1, ' ', true);
  if (text.size() > kShownMax) text = text.substr(0, kShownMax) + "...";
  return text;
}

std::string position(std::string_view text, std::size_t byte) {
  const std::string_view before = text.substr(0, std::min(byte, text.size()));
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t start = before.rfind('\n');
  return fmt::format("line {}, column {}", line, before.size() - (start == std::string_view::npos ? 0 : start + 1));
}

}  // namespace

Result<nlohmann::json> parse_json_with_comments(std::string_view text) {
  try {
    return nlohmann::json::parse(text, nullptr, true, true);
  } catch (const nlohmann::json::parse_error& error) {
    const std::string what = error.what();
    const std::size_t reason = what.find("syntax error");
    return Error{reason == std::string::npos ? what : what.substr(reason), position(text, error.byte), ""};
  } catch (const nlohmann::json::out_of_range& error) {  // it knows the number, and not where it stands
    const std::string what = error.what();
    const std::size_t begin = what.find('\'') + 1, end = what.rfind('\'');
    const std::string number = begin < end && end != std::string::npos ? what.substr(begin, end - begin) : "";
    const std::size_t at = text.find(number);
    return Error{fmt::format("the number {} is beyond what a double holds", number.substr(0, kShownMax)),
                 position(text, at == std::string_view::npos ? 0 : at), ""};
  }
}

JsonReader::JsonReader(const nlohmann::json& document)
    : JsonReader(document, "", std::make_shared<std::vector<Error>>()) {}

JsonReader::JsonReader(const nlohmann::json& value, std::string pointer, std::shared_ptr<std::vector<Error>> mistakes)
    : value_(value), pointer_(std::move(pointer)), mistakes_(std::move(mistakes)) {
  if (!value_.is_object()) mistake("", fmt::format("must be an object, not {}", value_.type_name()));
}

std::string JsonReader::path(const std::string& field) const {
  return field.empty() ? pointer_ : pointer_ + "/" + escape(field);
}

void JsonReader::mistake(const std::string& field, const std::string& what) {
  mistakes_->push_back({what, path(field).empty() ? "/" : path(field), ""});
}

void JsonReader::mistake_in_list(const std::string& field, std::size_t index, const std::string& what) {
  mistakes_->push_back({what, fmt::format("{}/{}", path(field), index), ""});
}

const nlohmann::json* JsonReader::find(const std::string& field, bool required) {
  known_.insert(field);
  if (value_.is_object())
    if (const auto it = value_.find(field); it != value_.end()) return &*it;
  if (required && value_.is_object()) mistake(field, "is required");
  return nullptr;
}

bool JsonReader::has(const std::string& field) { return find(field, false) != nullptr; }

std::int64_t JsonReader::integer(const std::string& field, std::optional<std::int64_t> fallback, IntegerRange range) {
  const nlohmann::json* found = find(field, !fallback);
  const std::int64_t otherwise = fallback.value_or(range.min);
  if (found == nullptr) return otherwise;
  const bool fits =
      found->is_number_integer() && (!found->is_number_unsigned() || found->get<std::uint64_t>() <= INT64_MAX);
  if (fits && found->get<std::int64_t>() >= range.min && found->get<std::int64_t>() <= range.max)
    return found->get<std::int64_t>();
  mistake(field, fmt::format("must be an integer from {} to {}, not {}", range.min, range.max, shown(*found)));
  return otherwise;
}

double JsonReader::number(const std::string& field, std::optional<double> fallback, FloatRange range) {
  const nlohmann::json* found = find(field, !fallback);
  const double otherwise = fallback.value_or(range.min);
  if (found == nullptr) return otherwise;
  if (found->is_number() && found->get<double>() >= range.min && found->get<double>() <= range.max)
    return found->get<double>();
  mistake(field, fmt::format("must be a number from {} to {}, not {}", range.min, range.max, shown(*found)));
  return otherwise;
}

bool JsonReader::boolean(const std::string& field, std::optional<bool> fallback) {
  const nlohmann::json* found = find(field, !fallback);
  if (found == nullptr) return fallback.value_or(false);
  if (found->is_boolean()) return found->get<bool>();
  mistake(field, fmt::format("must be true or false, not {}", shown(*found)));
  return fallback.value_or(false);
}

std::string JsonReader::string(const std::string& field, std::optional<std::string> fallback) {
  const nlohmann::json* found = find(field, !fallback);
  if (found == nullptr) return fallback.value_or("");
  if (found->is_string()) return found->get<std::string>();
  mistake(field, fmt::format("must be a string, not {}", found->type_name()));
  return fallback.value_or("");
}

std::string JsonReader::one_of(const std::string& field, std::optional<std::string> fallback,
                               const std::vector<std::string>& choices) {
  const std::string otherwise = fallback.value_or(choices.front());
  const std::string text = string(field, std::move(fallback));
  if (std::find(choices.begin(), choices.end(), text) != choices.end()) return text;
  if (has(field) && value_.at(field).is_string())
    mistake(field, fmt::format("must be one of {}, not \"{}\"", fmt::join(choices, ", "), text));
  return otherwise;
}

std::vector<std::string> JsonReader::strings(const std::string& field, IntegerRange count) {
  const nlohmann::json* found = find(field, count.min > 0);
  if (found == nullptr) return {};
  const bool sized = found->is_array() && static_cast<std::int64_t>(found->size()) >= count.min &&
                     static_cast<std::int64_t>(found->size()) <= count.max;
  if (!sized || !std::all_of(found->begin(), found->end(), [](const auto& item) { return item.is_string(); })) {
    mistake(field, fmt::format("must be a list of {} to {} strings", count.min, count.max));
    return {};
  }
  return found->get<std::vector<std::string>>();
}

JsonReader* JsonReader::object(const std::string& field) {
  const nlohmann::json* found = find(field, false);
  if (found == nullptr) return nullptr;
  nested_.push_back(std::unique_ptr<JsonReader>(new JsonReader(*found, path(field), mistakes_)));
  return nested_.back().get();
}

std::vector<JsonReader*> JsonReader::objects(const std::string& field, IntegerRange count) {
  const nlohmann::json* found = find(field, count.min > 0);
  if (found == nullptr) return {};
  if (!found->is_array() || static_cast<std::int64_t>(found->size()) < count.min ||
      static_cast<std::int64_t>(found->size()) > count.max) {
    mistake(field, fmt::format("must be a list of {} to {} objects", count.min, count.max));
    return {};
  }
  std::vector<JsonReader*> readers;
  for (std::size_t i = 0; i < found->size(); ++i) {
    nested_.push_back(
        std::unique_ptr<JsonReader>(new JsonReader((*found)[i], path(field) + "/" + std::to_string(i), mistakes_)));
    readers.push_back(nested_.back().get());
  }
  return readers;
}

void JsonReader::finish() {
  if (!value_.is_object()) return;
  for (const auto& [name, unused] : value_.items())
    if (!known_.contains(name)) mistake(name, "is not a field known here");
}

Error join_mistakes(const std::vector<Error>& mistakes, const std::string& file) {
  std::vector<std::string> lines;
  for (const Error& error : mistakes) lines.push_back(error.text());
  return {fmt::format("{}", fmt::join(lines, "; ")), file, ""};
}

}  // namespace smgate
