// What this runner holds and what it says next: the runner's half of the protocol (common/protocol/messages.hpp), apart
// from the socket and from running jobs. Each held job is a spool; what is not in a spool is not held. The network
// thread alone.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/protocol/messages.hpp"
#include "runner/agent/spool.hpp"
#include "runner/exec/cancellation.hpp"

namespace smgate::agent {

// Shared by the network thread and the job's.
struct Job {
  std::shared_ptr<Spool> spool;
  std::optional<GitCredential> credential;  // for the checkout, which takes it; the spool has none
  exec::Cancellation stop;
};

class JobStarter {
 public:
  virtual ~JobStarter() = default;
  virtual void start(std::shared_ptr<Job> job) = 0;  // returns at once
};

inline constexpr std::size_t kHeldMax = 64;  // jobs that wait for acknowledgements after a long outage

class Ledger {
 public:
  // `self` without held and draining. Jobs that the last process left are given up: their spools get a Finished{lost},
  // unless they have their Finished. May throw std::system_error.
  Ledger(protocol::Hello self, std::filesystem::path spools, JobStarter& starter);

  // A new connection: until the coordinator says Resume, nothing of a held job is sent.
  protocol::Hello hello();
  protocol::Heartbeat heartbeat() const;
  void receive(const protocol::FromCoordinator& message);
  // The next item that the window lets through, as it goes onto the wire.
  std::optional<std::string> next_item();

  void drain() { draining_ = true; }              // for good: take no new job
  void hold_back(bool yes) { held_back_ = yes; }  // for now: say draining
  void stop_jobs(const std::string& why);         // they end as lost
  bool draining() const { return draining_; }
  bool empty() const { return entries_.empty(); }  // everything was told and acknowledged
  bool all_finished() const;                       // nothing runs; perhaps not all is acknowledged

 private:
  struct Entry {
    std::shared_ptr<Job> job;
    bool live = false;       // the coordinator knows of it in this connection
    std::uint64_t next = 0;  // seq of the next item to send
  };
  using Entries = std::map<LeaseToken, Entry>;  // by age: leases are ULIDs

  void take(const protocol::Welcome&) {}
  void take(const protocol::Assign& assign);
  void take(const protocol::Ack& ack);
  void take(const protocol::Resume& resume);
  void take(const protocol::Cancel& cancel);
  void take(const protocol::Refuse& refuse);

  std::vector<protocol::HeldJob> held() const;
  void adopt(std::shared_ptr<Spool> spool);
  void drop(Entries::iterator it, const std::string& why);
  void forget_if_done(Entries::iterator it);
  std::optional<protocol::Finished> objection(const protocol::Assign& assign) const;

  const protocol::Hello self_;
  const std::filesystem::path spools_;
  JobStarter& starter_;
  Entries entries_;
  bool draining_ = false;
  bool held_back_ = false;
};

}  // namespace smgate::agent
