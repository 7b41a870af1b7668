// The events that a program left in its folder, file by file.
#pragma once

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace smgate::test {

using Json = nlohmann::json;

inline std::vector<Json> events_in(const std::filesystem::path& folder) {
  std::vector<Json> events;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) events.push_back(Json::parse(line));
  }
  return events;
}

}  // namespace smgate::test
