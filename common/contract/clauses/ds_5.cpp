// DS-5: training happened: some gradient norm is above zero, and the checkpoint is there, of the container it claims,
// whole, finite, and differs from the initial tensors. Who read the file is the reporter; this judges only.
#include <spdlog/fmt/fmt.h>

#include "common/contract/clauses/rule.hpp"
#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

Finding finding(std::string kind, std::string message, const EventRef& evidence) {
  Finding made;
  made.clause = "DS-5";
  made.kind = std::move(kind);
  made.message = std::move(message);
  made.evidence = {evidence};
  return made;
}

void judge_checkpoint(const CheckpointFacts& facts, Judgement& judgement) {
  const Checkpoint& c = facts.checkpoint;
  const auto report = [&](const char* kind, std::string message) {
    if (!c.text.empty()) message += fmt::format(" ({})", cut_utf8(c.text, 200));
    judgement.findings.push_back(finding(kind, std::move(message), facts.ref));
  };
  if (c.bytes == 0)
    return report("checkpoint_missing", fmt::format("the checkpoint {} is not there, or empty", c.path));
  if (!c.claimed_container.empty() && !c.container.empty() && c.claimed_container != c.container)
    report("container_mismatch", fmt::format("the checkpoint {} claims to be {}, and its first bytes say {}", c.path,
                                             c.claimed_container, c.container));
  if (c.whole == false) report("checkpoint_broken", fmt::format("the checkpoint {} is not whole", c.path));
  if (c.finite == false)
    report("not_finite", fmt::format("the checkpoint {} holds values that are not finite", c.path));
  const bool same_digest = !c.initial_digest.empty() && c.initial_digest == c.final_digest;
  if (c.tensors_changed == 0 || same_digest)
    report("unchanged", fmt::format("the checkpoint {} holds the initial weights: nothing was trained", c.path));
}

// What a checkpoint event leaves open.
std::string doubt_about(const Checkpoint& c) {
  if (c.container.empty()) return "nobody says what container the checkpoint is";
  if (!c.whole) return "nobody says whether the checkpoint is whole";
  if (!c.finite) return "nobody says whether the checkpoint's values are finite";
  if (!c.tensors_changed && (c.initial_digest.empty() || c.final_digest.empty()))
    return "nobody compared the checkpoint with the initial weights";
  return "";
}

std::string doubt_about_run(const Facts& facts, const Policy& policy, bool any_checkpoint) {
  const Process* training = training_process(facts);
  if (training == nullptr) return "no step was reported";
  if (training->curve.grad_norms == 0) return "no gradient norm was reported";
  if (policy.checkpoint_required && !any_checkpoint) return "no checkpoint was reported";
  return doubt_about_completeness(facts);
}

}  // namespace

Judgement judge_ds_5(const Facts& facts, const Policy& policy) {
  Judgement judgement;
  std::string doubt;
  bool any_checkpoint = false;
  for (const auto& [id, process] : facts.processes)
    for (const CheckpointFacts& checkpoint : process.checkpoints) {
      if (!policy.checkpoint_required) continue;
      any_checkpoint = true;
      judge_checkpoint(checkpoint, judgement);
      if (doubt.empty()) doubt = doubt_about(checkpoint.checkpoint);
    }
  const Process* training = training_process(facts);
  if (training != nullptr && training->curve.grad_norms > 0 && training->curve.grad_norms_above_zero == 0)
    judgement.findings.push_back(
        finding("no_gradient", "no gradient norm is above zero: nothing was learned", *training->curve.last));
  if (doubt.empty()) doubt = doubt_about_run(facts, policy, any_checkpoint);
  return concluded(std::move(judgement), doubt);
}

}  // namespace smgate::contract
