// The jobs of a run, and their facts compared, into the run's verdict. The pure half of verdict.hpp.
#include <spdlog/fmt/fmt.h>

#include <nlohmann/json.hpp>

#include "common/contract/compare.hpp"
#include "common/contract/job_facts.hpp"
#include "server/verdict/report_words.hpp"
#include "server/verdict/verdict.hpp"

namespace smgate::verdict {
namespace {

using store::RunVerdict;

const store::Job* first_with(const std::vector<store::Job>& jobs, RunVerdict verdict) {
  for (const store::Job& job : jobs)
    if (job.verdict == verdict) return &job;
  return nullptr;
}

RunDecision because_of(const store::Job& job) {
  return {*job.verdict, job.first_cause, fmt::format("{}: {}", job.arch.value, job.reason)};
}

RunDecision because_of(const contract::Report& compared) {
  return {verdict_of(compared.verdict), first_cause_of(compared), reason_of(compared)};
}

// Facts of a job that could not be judged are none.
std::optional<contract::Facts> main_facts(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  Result<contract::JobFacts> facts = contract::job_facts_from_json(nlohmann::json::parse(*text));
  if (!facts) return std::nullopt;
  return std::move(facts->main);
}

contract::Report compare_jobs(const EndedRun& ended) {
  std::vector<std::optional<contract::Facts>> facts, bases;  // compare borrows them
  for (const store::Job& job : ended.jobs) {
    const auto found = ended.facts.find(job.arch);
    const KnownFacts known = found == ended.facts.end() ? KnownFacts{} : found->second;
    facts.push_back(main_facts(known.facts_json));
    bases.push_back(main_facts(known.base_facts_json));
  }
  std::vector<contract::ArchFacts> required;
  for (std::size_t i = 0; i < ended.jobs.size(); ++i)
    required.push_back({ended.jobs[i].arch.value, facts[i] ? &*facts[i] : nullptr, bases[i] ? &*bases[i] : nullptr});
  return contract::compare(required, policy_from(ended.policy_json));
}

}  // namespace

RunDecision decide(const std::vector<store::Job>& jobs, const contract::Report& compared, const Config& config) {
  if (jobs.empty()) return {RunVerdict::inconclusive, "no_jobs", "no architecture is required"};
  if (const store::Job* job = first_with(jobs, RunVerdict::fail)) return because_of(*job);
  if (compared.verdict == contract::Verdict::fail) return because_of(compared);
  if (const store::Job* job = first_with(jobs, RunVerdict::inconclusive)) return because_of(*job);
  if (compared.verdict == contract::Verdict::inconclusive) return because_of(compared);
  for (const store::Job& job : jobs) {
    if (!job.verdict) return {RunVerdict::inconclusive, "job_open", job.arch.value + " has no verdict"};
    if (job.emulated && !config.emulated_satisfies)
      return {
          RunVerdict::inconclusive, "emulated",
          fmt::format("{} passed on an emulated device, which does not satisfy a required architecture here: run it "
                      "on a real one, or allow emulated ones in the coordinator's configuration",
                      job.arch.value)};
  }
  return {RunVerdict::pass, "", ""};
}

JudgedRun judge(const EndedRun& ended, const Config& config) {
  JudgedRun judged{ended.run, {}, std::nullopt};
  if (ended.jobs.empty()) {
    judged.decision = decide(ended.jobs, {}, config);
    return judged;
  }
  try {
    const contract::Report compared = compare_jobs(ended);
    judged.decision = decide(ended.jobs, compared, config);
    judged.report_json = contract::to_json(compared).dump();
  } catch (const std::exception& error) {  // one run that cannot be judged must not keep the others waiting
    judged.decision = {RunVerdict::inconclusive, "judging_failed",
                       fmt::format("the coordinator could not compare the architectures: {}", error.what())};
  }
  return judged;
}

}  // namespace smgate::verdict
