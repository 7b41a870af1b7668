// DS-4: the batch can be learned: inputs are not all alike, equal inputs do not carry different labels, labels are not
// constant, and the initial loss lies above what the labels allow at best.
#include <spdlog/fmt/fmt.h>

#include "common/contract/clauses/learnable.hpp"
#include "common/contract/clauses/rule.hpp"
#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

Finding finding(const BatchFacts& batch, std::string kind, std::string message) {
  Finding made;
  made.clause = "DS-4";
  made.kind = std::move(kind);
  made.message = std::move(message);
  made.evidence = {batch.ref};
  return made;
}

void judge_batch(const BatchFacts& batch, const Policy& policy, Judgement& judgement) {
  const BatchSummary& summary = *batch.summary;
  const auto positions = static_cast<double>(summary.positions);
  if (summary.distinct_inputs < 2)
    judgement.findings.push_back(
        finding(batch, "inputs_alike",
                fmt::format("all {} of the batch hold one input", count_of(summary.positions, "position"))));
  const double share = static_cast<double>(summary.conflicting_positions) / std::max(positions, 1.0);
  if (share > policy.conflicting_label_share)
    judgement.findings.push_back(
        finding(batch, "conflicting_labels",
                fmt::format("{} of {} hold an input that carries another label elsewhere ({:.3g} %; allowed: {:g} %)",
                            summary.conflicting_positions, count_of(summary.positions, "position"), share * 100,
                            policy.conflicting_label_share * 100)));
  if (summary.distinct_labels < 2)
    judgement.findings.push_back(finding(batch, "constant_labels", "every label of the batch is the same"));
}

}  // namespace

Judgement judge_ds_4(const Facts& facts, const Policy& policy) {
  const Process* process = batch_process(facts);
  if (process == nullptr || process->batches.empty()) return inconclusive("no batch was reported");
  Judgement judgement;
  std::string doubt;
  for (const BatchFacts& batch : process->batches) {
    if (!batch.summary)
      doubt = "a batch was reported without inputs and labels";
    else
      judge_batch(batch, policy, judgement);
  }
  if (const std::string why = why_unsatisfiable(facts); !why.empty())
    judgement.findings.push_back(finding(process->batches.front(), "contract_unsatisfiable", why));
  return concluded(std::move(judgement), doubt);
}

}  // namespace smgate::contract
