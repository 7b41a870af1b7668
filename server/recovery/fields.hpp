// How fields of GitHub's answers are read: absent or of another type is empty. For the files of this folder alone;
// pure.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace smgate::recovery {

inline std::string text_at(const nlohmann::json& object, const char* field) {
  if (!object.is_object()) return "";
  const auto found = object.find(field);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

inline std::int64_t number_at(const nlohmann::json& object, const char* field) {
  if (!object.is_object()) return 0;
  const auto found = object.find(field);
  return found != object.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

inline const nlohmann::json& object_at(const nlohmann::json& object, const char* field) {
  static const nlohmann::json kNothing;
  if (!object.is_object()) return kNothing;
  const auto found = object.find(field);
  return found != object.end() ? *found : kNothing;
}

}  // namespace smgate::recovery
