#include "common/contract/batch_summary.hpp"

#include <cmath>
#include <map>
#include <set>
#include <string_view>

namespace smgate::contract {

BatchSummary summarise(const std::vector<std::string>& inputs, const std::vector<std::int64_t>& labels) {
  std::map<std::string_view, std::map<std::int64_t, std::uint64_t>> labels_by_input;
  for (std::size_t i = 0; i < inputs.size() && i < labels.size(); ++i) ++labels_by_input[inputs[i]][labels[i]];

  BatchSummary summary;
  summary.positions = inputs.size();
  summary.distinct_inputs = labels_by_input.size();
  summary.distinct_labels = std::set<std::int64_t>(labels.begin(), labels.end()).size();
  double nats = 0;
  for (const auto& [input, counts] : labels_by_input) {
    double total = 0;
    for (const auto& [label, count] : counts) total += static_cast<double>(count);
    for (const auto& [label, count] : counts)
      nats -= static_cast<double>(count) * std::log(static_cast<double>(count) / total);
    if (counts.size() > 1) summary.conflicting_positions += static_cast<std::uint64_t>(total);
  }
  summary.label_entropy_nats = inputs.empty() ? 0 : std::max(0.0, nats / static_cast<double>(inputs.size()));
  return summary;
}

}  // namespace smgate::contract
