#include "server/source/source_steps.hpp"

#include <spdlog/fmt/fmt.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>

#include "server/store/gate_files.hpp"
#include "server/store/repositories.hpp"

namespace smgate::source {
namespace {

Finished start(store::Tx& tx, const SourceTask& task, const Planned& planned, std::int64_t now_ms, Random& random) {
  store::FetchedRun fetched;
  fetched.policy_sha = planned.policy_commit;
  fetched.head_gate_digest = store::save_gate_file(tx, planned.head.text);
  if (planned.base) fetched.base_gate_digest = store::save_gate_file(tx, planned.base->text);
  fetched.bootstrap = planned.plan.bootstrap;
  fetched.policy_json = contract::to_json(planned.plan.gate.policy).dump();
  fetched.required = planned.plan.gate.architectures;
  fetched.stages = planned.plan.gate.stages;
  if (planned.plan.gate.adapter) fetched.adapter = contract::to_json(*planned.plan.gate.adapter).dump();
  return store::start_run(tx, task.run, fetched, now_ms, random) ? Finished::started : Finished::overtaken;
}

Finished end(store::Tx& tx, const SourceTask& task, const char* cause, const std::string& text, std::int64_t now_ms) {
  const bool ended = store::end_run(tx, task.run, store::RunVerdict::inconclusive, cause, text, now_ms);
  return ended ? Finished::ended : Finished::overtaken;
}

Finished retry(store::Tx& tx, const SourceTask& task, const std::string& text, std::int64_t now_ms) {
  const int attempts = task.attempts + 1;
  if (attempts >= kFetchAttemptsMax)
    return end(tx, task, "source_unavailable", fmt::format("{} (tried {} times)", text, attempts), now_ms);
  const bool retried = store::retry_fetch(tx, task.run, text, now_ms + retry_delay_ms(attempts), now_ms);
  return retried ? Finished::retried : Finished::overtaken;
}

SourceTask task_of(const store::Run& run, const store::Repository& repository, GitAccess access) {
  SourceTask task;
  task.run = run.id;
  task.clone_url = repository.clone_url;
  task.head = run.head_sha;
  task.head_ref = run.ref;
  task.base = run.base_sha;
  task.rule = run.base_rule;
  task.default_branch = repository.default_branch;
  task.attempts = run.fetch_attempts;
  task.access = std::move(access);
  return task;
}

}  // namespace

std::int64_t retry_delay_ms(int attempts) {
  constexpr std::int64_t kFirst_ms = 5'000;
  return kFirst_ms << (attempts - 1);
}

NextTask next_source_task(store::ReadTx& tx, const store::Keys& keys, std::int64_t now_ms) {
  NextTask next;
  std::set<std::string> closed = keys.asked;
  while (const std::optional<store::Run> run = store::next_run_to_fetch(tx, now_ms, closed)) {
    const store::Repository unknown{run->repository, "", "", std::nullopt};
    const store::Repository repository = store::find_repository(tx, run->repository).value_or(unknown);
    // After a failed fetch another token: the old one may be what failed.
    std::optional<GitAccess> access =
        store::access_to(keys, repository, run->fetch_attempts > 0 ? run->next_fetch_ms : 0);
    if (access) {
      next.task = task_of(*run, repository, std::move(*access));
      return next;
    }
    closed.insert(repository.full_name);
    next.wanted.push_back(repository);
  }
  return next;
}

Finished finish_source(store::Tx& tx, const SourceTask& task, const SourceResult& result, std::int64_t now_ms,
                       Random& random) {
  if (const auto* planned = std::get_if<Planned>(&result)) return start(tx, task, *planned, now_ms, random);
  if (const auto* invalid = std::get_if<InvalidGate>(&result))
    return end(tx, task, "gate_file_invalid", invalid->text, now_ms);
  return retry(tx, task, std::get<Unavailable>(result).text, now_ms);
}

}  // namespace smgate::source
