#include "runner/workload/cache/headers.hpp"

#include <fstream>
#include <set>
#include <sstream>

namespace smgate::workload {

namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t start = text.find_first_not_of(" \t");
  return start == std::string_view::npos ? "" : text.substr(start);
}

// What an #include line names; empty: it is none.
std::string_view included_name(std::string_view line) {
  line = trimmed(line);
  if (line.substr(0, 1) != "#") return "";
  line = trimmed(line.substr(1));
  if (line.substr(0, 7) != "include") return "";
  line = trimmed(line.substr(7));
  if (line.empty() || (line.front() != '"' && line.front() != '<')) return "";
  const std::size_t end = line.find(line.front() == '"' ? '"' : '>', 1);
  return end == std::string_view::npos ? "" : line.substr(1, end - 1);
}

std::string text_of_header(std::string_view name, const std::vector<std::string>& folders) {
  for (const std::string& folder : folders) {
    std::ifstream file(folder + "/" + std::string(name), std::ios::binary);
    if (!file) continue;
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  return "";
}

}  // namespace

std::string included_headers(std::string_view source, const std::vector<std::string>& folders) {
  std::string all;
  std::set<std::string> seen;
  std::vector<std::string> open = {std::string(source)};
  while (!open.empty()) {
    std::istringstream text(open.back());
    open.pop_back();
    for (std::string line; std::getline(text, line);) {
      const std::string name(included_name(line));
      if (name.empty() || !seen.insert(name).second) continue;
      open.push_back(text_of_header(name, folders));
      all += name + " " + std::to_string(open.back().size()) + "\n" + open.back();
    }
  }
  return all;
}

}  // namespace smgate::workload
