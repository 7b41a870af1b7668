#include <spdlog/fmt/fmt.h>

#include <array>
#include <cctype>

#include "common/contract/analysis.hpp"
#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

void append(std::vector<Finding*>& to, const std::vector<Finding*>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

bool is_degenerate(const Finding& f) {
  return f.clause == "DS-4" &&
         (f.kind == "inputs_alike" || f.kind == "conflicting_labels" || f.kind == "constant_labels");
}

// A batch that teaches nothing makes the loss of a working pipeline stand still, and its floor what it is.
void find_degenerate_batch(Analysis& analysis) {
  std::vector<Finding*> explained = analysis.unexplained(is_degenerate);
  if (explained.empty()) return;
  std::string text = "the batch cannot teach: ";
  for (const Finding* finding : explained) text += (finding == explained.front() ? "" : "; ") + finding->message;
  append(explained, analysis.unexplained([](const Finding& f) {
    return f.clause == "DS-3" || is_kind(f, "DS-4", "contract_unsatisfiable");
  }));
  analysis.add("degenerate_batch", text, explained);
}

void find_unsatisfiable(Analysis& analysis) {
  const std::vector<Finding*> explained =
      analysis.unexplained([](const Finding& f) { return is_kind(f, "DS-4", "contract_unsatisfiable"); });
  if (!explained.empty())
    analysis.add("contract_unsatisfiable",
                 "no model can meet the contract on this batch: " + explained.front()->message, explained);
}

void find_not_finite(Analysis& analysis) {
  std::vector<Finding*> explained = analysis.unexplained([](const Finding& f) {
    return is_kind(f, "DS-2", "loss_not_finite") || is_kind(f, "DS-2", "grad_norm_not_finite");
  });
  if (explained.empty()) return;
  const std::string text = explained.front()->message;
  append(explained, analysis.unexplained([](const Finding& f) { return is_kind(f, "DS-5", "not_finite"); }));
  analysis.add("loss_not_finite", text, explained);
}

void find_not_falling(Analysis& analysis) {
  const std::vector<Finding*> explained = analysis.unexplained([](const Finding& f) { return f.clause == "DS-3"; });
  if (explained.empty()) return;
  Cause* cause = analysis.add("loss_not_falling", explained.front()->message, explained);
  // Where nothing was trained, no loss falls.
  if (analysis.has_cause("nothing_trained")) cause->consequence_of = "nothing_trained";
}

void find_nothing_trained(Analysis& analysis) {
  const std::vector<Finding*> explained = analysis.unexplained(
      [](const Finding& f) { return is_kind(f, "DS-5", "no_gradient") || is_kind(f, "DS-5", "unchanged"); });
  if (!explained.empty()) analysis.add("nothing_trained", explained.front()->message, explained);
}

void find_configuration_mismatch(Analysis& analysis) {
  const std::vector<Finding*> explained = analysis.unexplained([](const Finding& f) { return f.clause == "DS-6"; });
  std::string text;
  for (const Finding* finding : explained) text += (text.empty() ? "" : "; ") + finding->message;
  analysis.add("configuration_mismatch", text, explained);
}

// Words of CUDA errors that arrive later than what caused them, and name no kernel.
bool sounds_poisoned(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (text.find("out of memory") != std::string::npos) return false;
  constexpr std::array<std::string_view, 8> kWords = {"cuda_error", "illegal",     "launch fail", "poison",
                                                      "misaligned", "device-side", "stream",      "unspecified"};
  for (const std::string_view word : kWords)
    if (text.find(word) != std::string::npos) return true;
  return false;
}

}  // namespace

void find_training_causes(Analysis& analysis) {
  find_degenerate_batch(analysis);
  find_unsatisfiable(analysis);
  find_not_finite(analysis);
  find_nothing_trained(analysis);
  find_not_falling(analysis);
  find_configuration_mismatch(analysis);
}

void find_symptoms(Analysis& analysis) {
  if (analysis.stop == Stop::none || !sounds_poisoned(analysis.symptom)) return;
  const std::vector<Finding*> explained = analysis.taken_by(analysis.stop);
  if (explained.empty()) return;
  // A compile in the middle of the stream poisons it; the error then arrives later, at another kernel.
  const std::string upstream = analysis.first_cause_of("KC-3");
  Cause* cause = analysis.add(
      "stream_poisoned",
      fmt::format("the run stopped with \"{}\", which names no kernel, and {}", cut_utf8(analysis.symptom, 200),
                  upstream.empty() ? "nothing upstream of it was seen"
                                   : "kernels had been compiled or loaded in the middle of its stream before"),
      explained);
  cause->consequence_of = upstream;
}

}  // namespace smgate::contract
