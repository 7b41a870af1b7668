#include "common/contract/facts.hpp"

#include <charconv>
#include <cstring>

namespace smgate::contract {

bool Curve::operator==(const Curve& other) const {
  // Bytewise: NaN must equal itself here.
  const bool same_points =
      points.size() == other.points.size() &&
      (points.empty() || std::memcmp(points.data(), other.points.data(), points.size() * sizeof(Point)) == 0);
  const auto rest = [](const Curve& c) {
    return std::tie(c.left_out, c.next_step, c.skipped, c.repeated, c.without_loss, c.loss_not_finite,
                    c.grad_norm_not_finite, c.loss_zero, c.loss_stuck, c.grad_norms, c.grad_norms_above_zero,
                    c.first_ce, c.last_ce, c.tokens, c.ms, c.first, c.last);
  };
  return same_points && rest(*this) == rest(other);
}

const Start* main_start(const Facts& facts) {
  const Start* found = nullptr;
  for (const auto& [id, process] : facts.processes) {
    if (!process.start) continue;
    if (process.start->ref.source != Source::runner) return &*process.start;
    if (found == nullptr) found = &*process.start;
  }
  return found;
}

std::optional<bool> emulated(const Facts& facts) {
  std::optional<bool> said;
  for (const auto& [id, process] : facts.processes)
    if (process.start && process.start->emulated) said = said.value_or(false) || *process.start->emulated;
  return said;
}

const Process* training_process(const Facts& facts) {
  for (const auto& [id, process] : facts.processes)
    if (process.curve.first) return &process;
  return nullptr;
}

std::optional<double> config_number(const Facts& facts, const std::string& path) {
  const Start* start = main_start(facts);
  if (start == nullptr || !start->config.contains(path)) return std::nullopt;
  const std::string& text = start->config.at(path);
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> declared_steps(const Facts& facts) {
  const std::optional<double> steps = config_number(facts, "steps");
  if (!steps || *steps < 0 || *steps > 1e15) return std::nullopt;
  return static_cast<std::uint64_t>(*steps);
}

bool completed(const Facts& facts) {
  bool ended_well = false;
  for (const auto& [id, process] : facts.processes) {
    const bool started = process.start && process.start->ref.source != Source::runner;
    if (started && !process.end) return false;
    if (process.end && process.end->status != "ok") return false;
    ended_well = ended_well || process.end;
  }
  return ended_well;
}

std::optional<Symptom> failure(const Facts& facts) {
  std::optional<Symptom> found;
  for (const auto& [id, process] : facts.processes) {
    const bool failed = process.end && process.end->status != "ok";
    if (failed && !process.end->symptom.empty()) return Symptom{process.end->symptom, *process.end_ref};
    if (!process.errors.empty() && !found) found = process.errors.front();
    if (failed && !found) found = Symptom{"", *process.end_ref};
  }
  return completed(facts) ? std::nullopt : found;
}

}  // namespace smgate::contract
