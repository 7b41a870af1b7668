#include "runner/workload/cuda/profile.hpp"

#include <algorithm>
#include <cstdio>
#include <map>

namespace smgate::workload::cuda {

void Profile::before(CUstream stream) {
  spans_.push_back({"", std::make_unique<Event>(driver_), std::make_unique<Event>(driver_)});
  spans_.back().start->record(stream);
}

void Profile::after(CUstream stream, const std::string& name) {
  spans_.back().name = name;
  spans_.back().end->record(stream);
}

std::string Profile::table() const {
  if (spans_.empty()) return "";
  spans_.back().end->synchronize();
  std::map<std::string, std::pair<double, int>> sums;
  for (const Span& span : spans_) {
    auto& [ms, launches] = sums[span.name];
    ms += span.end->ms_since(*span.start);
    ++launches;
  }
  std::vector<std::pair<std::string, std::pair<double, int>>> rows(sums.begin(), sums.end());
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.second.first > b.second.first; });
  std::string text;
  for (const auto& [name, sum] : rows) {
    char line[256];
    std::snprintf(line, sizeof line, "%9.3f ms %5d  %s\n", sum.first, sum.second, name.c_str());
    text += line;
  }
  return text;
}

}  // namespace smgate::workload::cuda
