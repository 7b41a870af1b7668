// Rows that tests of the store and of the stages begin with.
#pragma once

#include <string>

#include "common/random.hpp"
#include "server/store/inline_store.hpp"
#include "server/store/repositories.hpp"
#include "server/store/runners.hpp"
#include "server/store/runs.hpp"

namespace smgate::test {

inline CommitSha sha(char digit) { return CommitSha{std::string(40, digit)}; }

inline constexpr std::int64_t kNow_ms = 1'779'253'530'000;

// A store in memory, a clock that stands, and a seeded random.
struct Rows {
  store::InlineStore store{":memory:"};
  SeededRandom random{1};
  std::int64_t now_ms = kNow_ms;

  template <class F>
  auto write(F f) {
    return store.write(f);
  }

  RunId make_run(char head = 'a', char base = 'b', const std::string& branch = "main",
                 const std::string& repository = "acme/kernels") {
    return write([&](store::Tx& tx) {
      store::save_repository(tx, {repository, "https://git.example/" + repository + ".git", "main", std::nullopt},
                             now_ms);
      store::NewRun wanted;
      wanted.repository = repository;
      wanted.head_sha = sha(head);
      wanted.base_sha = sha(base);
      wanted.base_rule = store::BaseRule::exact;
      wanted.branch = branch;
      wanted.ref = "refs/heads/" + branch;
      const store::Trigger trigger{DeliveryId{make_ulid(now_ms, random)}, "push", wanted.ref, std::nullopt};
      return store::name_run(tx, wanted, trigger, now_ms, random).id;
    });
  }

  void start(const RunId& run, const std::vector<std::string>& architectures = {"sm_89", "sm_121"},
             const std::string& policy = "{}") {
    store::FetchedRun fetched;
    fetched.policy_json = policy;
    for (const std::string& arch : architectures) fetched.required.push_back(Arch{arch});
    fetched.stages = {{"smoke", {"./smoke"}, 60, {{"SEED", "1"}}, Feeds::both}};
    write([&](store::Tx& tx) { return store::start_run(tx, run, fetched, now_ms, random); });
  }

  store::Runner make_runner(const std::string& name, const std::string& arch, bool emulated = false) {
    return write([&](store::Tx& tx) {
      store::create_runner_token(tx, RunnerName{name}, Arch{arch}, now_ms, random);
      protocol::Hello hello;
      hello.runner = RunnerName{name};
      hello.arch = Arch{arch};
      hello.device.emulated = emulated;
      store::save_hello(tx, hello, now_ms);
      return store::find_runner(tx, RunnerName{name}).value();
    });
  }

  store::Job job(const JobId& id) {
    return store.read([&](store::ReadTx& tx) { return store::find_job(tx, id).value(); });
  }
  std::vector<store::Job> jobs(const RunId& run) {
    return store.read([&](store::ReadTx& tx) { return store::jobs_of_run(tx, run); });
  }
  store::Run run(const RunId& id) {
    return store.read([&](store::ReadTx& tx) { return store::find_run(tx, id).value(); });
  }

  // Leases the job to a runner of this name; 60 s.
  protocol::Assign lease(const JobId& id, const std::string& runner) {
    return write([&](store::Tx& tx) {
      return store::lease_job(tx, id, RunnerName{runner}, false, 60'000, now_ms, random).value();
    });
  }
  store::AttemptEnd end(const protocol::Assign& assign, protocol::JobOutcome outcome) {
    return write([&](store::Tx& tx) {
      return store::end_attempt(tx, assign.job, assign.lease, {outcome, "text"}, now_ms);
    });
  }
};

}  // namespace smgate::test
