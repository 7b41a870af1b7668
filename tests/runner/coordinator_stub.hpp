// A coordinator of one connection at a time for tests of the agent: blocking, on the test's own thread. A connection
// that breaks throws boost::system::system_error.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/protocol/messages.hpp"

namespace smgate::test {

class CoordinatorStub {
 public:
  CoordinatorStub();  // listens on a free port of 127.0.0.1
  ~CoordinatorStub();

  int port() const;
  // The next connection, upgraded; its Authorization header.
  std::string accept();
  // False where no connection came before `give_up` said so.
  bool wait_for_connection(const std::function<bool()>& give_up);
  // The next connection is answered with this status instead.
  void decline(int status);
  protocol::Hello greet();  // accept, Hello, Welcome

  void send(const protocol::FromCoordinator& message);
  protocol::FromRunner read();
  protocol::Item item();            // the next one; heartbeats are passed over
  protocol::Heartbeat heartbeat();  // the next one; items are passed over
  void drop();                      // the connection, without a word

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace smgate::test
