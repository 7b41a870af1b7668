// Which runners are connected right now, and how to reach them. A hint, never the truth: rows say who holds what, and a
// message that is not delivered is made up for by the next Hello. Network thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "server/session/outbox.hpp"

namespace smgate::session {

struct LiveSession {
  std::uint64_t number = 0;  // grows with each session; a newer one of a runner replaces the older
  RunnerName runner;
  Arch arch;
  bool emulated = false;
  int slots = 1;
  bool draining = false;
  std::shared_ptr<Outbox> outbox;
};

class SessionRegistry {
 public:
  std::uint64_t new_number() { return ++last_number_; }

  // Ends the session that this runner has, if any.
  void replace(const RunnerName& runner);
  // False where a newer session of the runner is here already.
  bool add(LiveSession session);
  void remove(const RunnerName& runner, std::uint64_t number);
  void set_draining(const RunnerName& runner, bool draining);

  bool send(const RunnerName& runner, protocol::FromCoordinator message);
  // Only if the runner's session is still the one of this number.
  bool send(const RunnerName& runner, std::uint64_t number, protocol::FromCoordinator message);

  bool online(const RunnerName& runner) const { return sessions_.contains(runner); }
  std::vector<LiveSession> all() const;
  std::size_t size() const { return sessions_.size(); }

 private:
  std::map<RunnerName, LiveSession> sessions_;
  std::uint64_t last_number_ = 0;
};

}  // namespace smgate::session
