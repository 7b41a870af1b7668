// A virtual runner: keeps its items until they are acknowledged, and suffers what hosts suffer.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/streams.hpp"

namespace smgate::sim {

// An ordered pipe each way, which may break: what is in it is then lost.
struct Connection {
  bool open = true;
  std::deque<protocol::FromRunner> up;
  std::deque<protocol::FromCoordinator> down;
};

class Runner {
 public:
  using BehaviourOf = std::function<Behaviour(const std::string& commit)>;
  Runner(std::string name, Arch arch, int slots, BehaviourOf behaviour_of, Random& random);

  const RunnerName& name() const { return name_; }
  const Arch& arch() const { return arch_; }
  int slots() const { return slots_; }
  const std::shared_ptr<Connection>& connection() const { return connection_; }
  bool holds_nothing() const { return held_.empty(); }

  std::shared_ptr<Connection> connect();  // says Hello
  void step(bool chaos);                  // reads one message, or sends one
  void cut();                             // the connection breaks
  void crash();      // its process ends and starts again: what ran is lost, what is on the disk is not
  void lose_disk();  // and with it all that it held

 private:
  struct Held {
    LeaseToken lease;
    std::vector<protocol::ItemBody> items;
    std::size_t acked = 0, sent = 0, made = 0;  // made: written to the disk so far
    bool live = true;                           // assigned or resumed on this connection
  };

  void read(const protocol::FromCoordinator& message);
  void take(const protocol::Assign& assign);
  void acknowledge(const protocol::Ack& ack);
  void resume(const protocol::Resume& resume);
  void cancel(const protocol::Cancel& cancel);
  void end_with(Held& held, protocol::JobOutcome outcome);
  void send_next(bool chaos);
  std::vector<protocol::HeldJob> held_jobs() const;
  Held* find(const JobId& job, const LeaseToken& lease);

  RunnerName name_;
  Arch arch_;
  int slots_;
  BehaviourOf behaviour_of_;
  Random& random_;
  std::shared_ptr<Connection> connection_;
  std::map<JobId, Held> held_;
};

}  // namespace smgate::sim
