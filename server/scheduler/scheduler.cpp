#include "server/scheduler/scheduler.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "common/random.hpp"

namespace smgate::scheduler {
namespace {

// Most free slots first, then by name: work spreads, and the answer depends on the arguments alone.
bool is_better(const FreeRunner& a, const FreeRunner& b) {
  return a.slots != b.slots ? a.slots > b.slots : a.name < b.name;
}

FreeRunner* choose(std::vector<FreeRunner>& runners, const store::WaitingJob& job) {
  FreeRunner* best = nullptr;
  FreeRunner* last_resort = nullptr;  // where the job failed before
  for (FreeRunner& runner : runners) {
    if (runner.slots <= 0 || runner.arch != job.arch) continue;
    FreeRunner*& slot = runner.name == job.last_runner ? last_resort : best;
    if (slot == nullptr || is_better(runner, *slot)) slot = &runner;
  }
  return best != nullptr ? best : last_resort;
}

std::vector<FreeRunner> with_free_slots(store::ReadTx& tx, std::span<const FreeRunner> connected) {
  std::vector<FreeRunner> free;
  for (FreeRunner runner : connected) {
    runner.slots -= store::jobs_held_by(tx, runner.name);
    if (runner.slots > 0) free.push_back(runner);
  }
  return free;
}

std::vector<store::WaitingJob> jobs_for(store::ReadTx& tx, const std::vector<FreeRunner>& runners,
                                        const std::set<std::string>& closed, std::int64_t now_ms) {
  std::map<Arch, std::size_t> slots;
  for (const FreeRunner& runner : runners) slots[runner.arch] += static_cast<std::size_t>(runner.slots);
  std::vector<store::WaitingJob> jobs;
  for (const auto& [arch, count] : slots)
    for (store::WaitingJob& job : store::waiting_jobs(tx, arch, now_ms, count, closed)) jobs.push_back(std::move(job));
  return jobs;
}

// By job; empty for one that gets no credential.
using Credentials = std::map<JobId, std::optional<GitCredential>>;

// The jobs whose repositories can be read, as many as there are slots: what cannot be read yet goes to `wanted`, and
// makes room for what is behind it.
std::vector<store::WaitingJob> open_jobs(store::ReadTx& tx, const std::vector<FreeRunner>& runners,
                                         const store::Keys& keys, std::int64_t now_ms, Credentials& credentials,
                                         std::vector<store::Repository>& wanted) {
  std::set<std::string> closed = keys.asked;
  for (;;) {
    const std::size_t wanted_before = wanted.size();
    std::vector<store::WaitingJob> jobs = jobs_for(tx, runners, closed, now_ms);
    if (keys.origin.empty()) return jobs;
    for (const store::WaitingJob& job : jobs) {
      const store::Reach reach = store::reach_of(tx, job.id);
      const auto access = reach.of_fork ? GitAccess{} : store::access_to(keys, reach.repository, reach.token_since_ms);
      if (access)
        credentials[job.id] = access->credential;
      else if (closed.insert(reach.repository.full_name).second)
        wanted.push_back(reach.repository);
    }
    if (wanted.size() == wanted_before) return jobs;
  }
}

protocol::Finished why_expired(const store::Job& job, std::int64_t now_ms) {
  if (job.lease_expires_ms <= now_ms)
    return {protocol::JobOutcome::lost,
            "the runner " + job.runner.value + " was not heard of for the length of a lease"};
  return {protocol::JobOutcome::runner_error,
          "the runner " + job.runner.value + " did not end the job at its deadline"};
}

}  // namespace

std::vector<Assignment> plan(std::span<const store::WaitingJob> jobs, std::span<const FreeRunner> runners) {
  std::vector<FreeRunner> free(runners.begin(), runners.end());
  std::vector<Assignment> assignments;
  for (const store::WaitingJob& job : jobs) {
    FreeRunner* runner = choose(free, job);
    if (runner == nullptr) continue;
    --runner->slots;
    assignments.push_back({job.id, runner->name});
  }
  return assignments;
}

HandedOut lease_jobs(store::Tx& tx, std::span<const FreeRunner> connected, const store::Keys& keys,
                     std::int64_t lease_ms, std::int64_t now_ms, Random& random) {
  const std::vector<FreeRunner> free = with_free_slots(tx, connected);
  HandedOut out;
  Credentials credentials;
  const std::vector<store::WaitingJob> jobs = open_jobs(tx, free, keys, now_ms, credentials, out.wanted);
  for (const Assignment& chosen : plan(jobs, free)) {
    const auto runner =
        std::find_if(free.begin(), free.end(), [&](const auto& it) { return it.name == chosen.runner; });
    auto assign = store::lease_job(tx, chosen.job, runner->name, runner->emulated, lease_ms, now_ms, random);
    if (!assign) continue;
    assign->credential = credentials[chosen.job];
    out.leased.push_back({runner->name, std::move(*assign)});
  }
  return out;
}

std::vector<Expired> expire_leases(store::Tx& tx, std::int64_t now_ms) {
  std::vector<Expired> expired;
  for (const store::Job& job : store::jobs_with_expired_lease(tx, now_ms, kExpireBatch)) {
    const store::AttemptEnd end = store::end_attempt(tx, job.id, job.lease, why_expired(job, now_ms), now_ms);
    expired.push_back({{job.id, job.lease, job.runner}, end, job.run});
  }
  return expired;
}

}  // namespace smgate::scheduler
