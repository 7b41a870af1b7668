// The connection to the coordinator: dials out, says hello, goes on reading and writing until it breaks, and dials
// again, for ever. Owns the network thread's event loop; everything it calls, it calls on that thread. The only file of
// the runner that knows Asio and Beast is link.cpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "common/protocol/messages.hpp"
#include "runner/agent/config.hpp"

namespace smgate::agent {

class LinkPeer {
 public:
  virtual ~LinkPeer() = default;
  virtual std::string hello() = 0;  // a connection stands
  virtual std::string heartbeat() = 0;
  virtual void receive(const protocol::FromCoordinator& message) = 0;
  virtual std::optional<std::string> next_item() = 0;
  virtual void item_sent() = 0;
  virtual void tick() = 0;       // every kLinkTick, connected or not
  virtual void signalled() = 0;  // SIGTERM or SIGINT
};

inline constexpr std::chrono::milliseconds kLinkTick{1000};

struct LinkSettings {
  ServerAddress address;
  std::filesystem::path ca_file;  // empty: the system's authorities
  std::string token;
  std::string user_agent;
  std::chrono::milliseconds reconnect_max{15'000};
  bool watch_signals = true;  // SIGTERM and SIGINT; a test has its own
};

class Link {
 public:
  Link(LinkSettings settings, LinkPeer& peer);
  ~Link();

  // Until stop(). Throws std::runtime_error where TLS cannot be set up.
  void run();
  void wake();  // any thread: there may be an item to send
  void stop();  // any thread

  struct Impl;  // public for the coroutines of link.cpp alone

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace smgate::agent
