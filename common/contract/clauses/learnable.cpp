#include "common/contract/clauses/learnable.hpp"

#include <spdlog/fmt/fmt.h>

#include <cmath>

#include "common/contract/text.hpp"

namespace smgate::contract {

const Process* batch_process(const Facts& facts) {
  const Process* training = training_process(facts);
  if (training != nullptr && !training->batches.empty()) return training;
  for (const auto& [id, process] : facts.processes)
    if (!process.batches.empty()) return &process;
  return training;
}

std::string why_unsatisfiable(const Facts& facts) {
  const Process* training = training_process(facts);
  const Process* batches = batch_process(facts);
  if (training == nullptr || training->curve.points.empty() || batches == nullptr || batches->batches.empty())
    return "";
  const BatchFacts& batch = batches->batches.front();
  if (!batch.summary || !batch.summary->label_entropy_nats) return "";
  const double entropy = *batch.summary->label_entropy_nats;
  if (const std::optional<double> ce = training->curve.first_ce; ce && *ce <= entropy)
    return fmt::format("the initial CE {} is at or under its floor, H(labels given inputs) = {} nats", shortest(*ce),
                       shortest(entropy));
  if (training->curve.first_ce) return "";
  const std::optional<double> alpha = config_number(facts, "alpha");
  const double loss = training->curve.points.front().loss;
  if (alpha && std::isfinite(loss) && loss <= *alpha * entropy)
    return fmt::format("the initial loss {} is at or under its floor, alpha {} times H(labels given inputs) {} nats",
                       shortest(loss), shortest(*alpha), shortest(entropy));
  return "";
}

}  // namespace smgate::contract
