// The whole coordinator core between a virtual GitHub and virtual runners, one step at a time, in an order that a seed
// decides. A step of the coordinator is one transaction, as in the program; what it keeps in memory between two steps
// (connections, a fetch under way, a verdict not yet written) is lost when it crashes.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "server/session/session_steps.hpp"
#include "server/source/source_steps.hpp"
#include "server/store/inline_store.hpp"
#include "server/verdict/verdict.hpp"
#include "tests/sim/github.hpp"
#include "tests/sim/github_api.hpp"
#include "tests/sim/link.hpp"
#include "tests/sim/runner.hpp"

namespace smgate::sim {

class World {
 public:
  // `pace_ms`: how long a step of chaos takes at most.
  explicit World(std::uint64_t seed, std::uint64_t pace_ms = 500);

  void step_in_chaos();
  void step_in_calm();
  bool quiet();  // nothing is left to do
  bool only_calls_wait();

  store::InlineStore& store() { return store_; }
  std::int64_t count(store::Sql sql);                                                  // what it selects, in one row
  std::int64_t minutes() const { return (clock_.now_ms() - test::kNow_ms) / 60'000; }  // since it began
  const GitHub& github() const { return github_; }
  const GitHubApi& api() const { return api_; }
  // What a checker saw go wrong on the way; empty is good.
  const std::vector<std::string>& breaches() const { return breaches_; }

  struct Seen {  // that the chaos was one
    int crashes = 0, refused = 0, duplicates = 0, gaps = 0, expired = 0, requeued = 0, cancelled = 0, revived = 0;
  };
  const Seen& seen() const { return seen_; }

 private:
  struct Session {
    std::shared_ptr<Connection> connection;
    RunnerName runner;
    bool welcomed = false;
  };
  struct Judged {
    verdict::ReportedJob reported;
    verdict::JudgedJob verdict;
  };

  void coordinate();
  void speak_to_github();
  void receive_webhook();
  void process_delivery();
  void fetch();
  void schedule();
  void watch_leases();
  void judge();
  void decide();
  bool report();  // false: nothing waited
  void read_message();
  void hear(Session& session, const protocol::Hello& hello);
  void hear(Session& session, const protocol::Heartbeat& heartbeat);
  void hear(Session& session, const protocol::Item& item);
  void send(const RunnerName& runner, const protocol::FromCoordinator& message);
  void crash();
  void run_runner(Runner& runner, bool chaos);
  void break_something();

  source::SourceResult fetched(const source::SourceTask& task);
  verdict::JudgedJob judge_once(const verdict::ReportedJob& reported);
  verdict::JudgedRun judge_once(const verdict::EndedRun& ended);

  // --- checkers
  void watch_verdicts();
  void check_item(const protocol::Item& item, const session::ItemAnswer& answer);
  void check_events(const verdict::ReportedJob& reported);
  void check_slots(const RunnerName& runner);
  void breach(const std::string& what) { breaches_.push_back(what); }

  SeededRandom random_;
  FakeClock clock_;
  store::InlineStore store_;
  GitHub github_;
  GitHubApi api_;
  Link link_;
  std::uint64_t pace_ms_;
  std::vector<Runner> runners_;
  bool chaos_ = true;

  // the coordinator's memory
  std::vector<Session> sessions_;
  std::vector<session::Renewal> heartbeats_;
  std::optional<source::SourceTask> fetching_;
  std::optional<Judged> judged_;
  std::optional<verdict::JudgedRun> decided_;

  // the checkers'
  std::map<JobId, LeaseToken> newest_lease_;
  std::set<LeaseToken> ended_leases_;
  std::vector<std::string> breaches_;
  Seen seen_;
};

}  // namespace smgate::sim
