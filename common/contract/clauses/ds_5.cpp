// DS-5: training happened: some gradient norm is above zero, and the checkpoint is there, of the container it claims,
// whole, finite, and differs from the initial tensors. Two may speak of one file: who wrote it and the runner, who read
// it. Of what the runner saw its word counts, and where the workload said otherwise that is a finding; what only the
// workload can know (the initial tensors), and what the runner does not read of a container, is the workload's to say.
#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <map>

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

// What is told of one file; by path.
struct Told {
  const CheckpointFacts* by_workload = nullptr;  // the last word of each
  const CheckpointFacts* by_runner = nullptr;
  const EventRef& ref() const { return (by_runner != nullptr ? by_runner : by_workload)->ref; }
};

std::map<std::string, Told> told_of(const Facts& facts) {
  std::map<std::string, Told> told;
  for (const auto& [id, process] : facts.processes)
    for (const CheckpointFacts& one : process.checkpoints)
      (one.ref.source == Source::runner ? told[one.checkpoint.path].by_runner : told[one.checkpoint.path].by_workload) =
          &one;
  return told;
}

template <class T>
void prefer(std::optional<T>& value, const std::optional<T>& seen) {
  if (seen) value = seen;
}

Checkpoint merged(const Told& told) {
  if (told.by_workload == nullptr) return told.by_runner->checkpoint;
  Checkpoint c = told.by_workload->checkpoint;
  if (told.by_runner == nullptr) return c;
  const Checkpoint& seen = told.by_runner->checkpoint;
  if (!seen.container.empty()) c.container = seen.container;
  prefer(c.bytes, seen.bytes);
  prefer(c.whole, seen.whole);
  prefer(c.finite, seen.finite);
  prefer(c.tensors, seen.tensors);
  if (!seen.text.empty()) c.text = seen.text;
  return c;
}

// Where the workload says what the file does not show.
void judge_words(const Told& told, Judgement& judgement) {
  if (told.by_workload == nullptr || told.by_runner == nullptr) return;
  const Checkpoint &said = told.by_workload->checkpoint, &seen = told.by_runner->checkpoint;
  std::vector<std::string> differences;
  const auto compare = [&](const std::optional<bool>& a, const std::optional<bool>& b, const char* what) {
    if (a && b && *a != *b) differences.push_back(fmt::format("{} is {}, and is {}", what, *a, *b));
  };
  const bool both_there = said.bytes.value_or(0) > 0 && seen.bytes.value_or(0) > 0;
  if (both_there && !said.container.empty() && !seen.container.empty() && said.container != seen.container)
    differences.push_back(fmt::format("container is {}, and is {}", said.container, seen.container));
  compare(said.whole, seen.whole, "whole");
  compare(said.finite, seen.finite, "finite");
  if (both_there && *said.bytes != *seen.bytes)
    judgement.warnings.push_back(
        {"DS-5",
         "size_differs",
         fmt::format("the checkpoint {} has {} bytes; the workload said {}", seen.path, *seen.bytes, *said.bytes),
         "",
         {told.by_runner->ref, told.by_workload->ref}});
  if (differences.empty()) return;
  judgement.findings.push_back(
      finding("claim_differs",
              fmt::format("the workload says of the checkpoint {} what the runner did not see: {}", seen.path,
                          fmt::join(differences, "; ")),
              told.by_runner->ref));
  judgement.findings.back().evidence.push_back(told.by_workload->ref);
}

void judge_checkpoint(const Checkpoint& c, const EventRef& ref, Judgement& judgement) {
  const auto report = [&](const char* kind, std::string message) {
    if (!c.text.empty()) message += fmt::format(" ({})", cut_utf8(c.text, 200));
    judgement.findings.push_back(finding(kind, std::move(message), ref));
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

// What is left open of a checkpoint.
std::string doubt_about(const Told& told, const Checkpoint& c) {
  if (told.by_runner != nullptr && told.by_runner->checkpoint.container.empty())
    return fmt::format("the runner could not read the checkpoint {}: {}", c.path, told.by_runner->checkpoint.text);
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
  const std::map<std::string, Told> all = policy.checkpoint_required ? told_of(facts) : std::map<std::string, Told>();
  for (const auto& [path, told] : all) {
    const Checkpoint checkpoint = merged(told);
    judge_words(told, judgement);
    judge_checkpoint(checkpoint, told.ref(), judgement);
    if (doubt.empty()) doubt = doubt_about(told, checkpoint);
  }
  const Process* training = training_process(facts);
  if (training != nullptr && training->curve.grad_norms > 0 && training->curve.grad_norms_above_zero == 0)
    judgement.findings.push_back(
        finding("no_gradient", "no gradient norm is above zero: nothing was learned", *training->curve.last));
  if (doubt.empty()) doubt = doubt_about_run(facts, policy, !all.empty());
  return concluded(std::move(judgement), doubt);
}

}  // namespace smgate::contract
