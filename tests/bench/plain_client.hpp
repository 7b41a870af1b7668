// The least that a client can cost: a blocking socket, and an answer read to its end without being kept. A bare server
// of the same kind, whose answers are as many bytes as it is told. So that a figure is the server's own. One thread
// each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace smgate::bench {

class PlainClient {
 public:
  explicit PlainClient(std::uint16_t port);
  ~PlainClient();
  PlainClient(const PlainClient&) = delete;
  PlainClient& operator=(const PlainClient&) = delete;
  // One HTTP request and its answer, which must be 200 with a length; the length of its body.
  std::size_t ask(const std::string& target);

 private:
  int socket_;
  std::vector<char> buffer_;
};

// Answers each request by `read` and as many bytes as that returned, behind a header of one line; one connection.
class BareServer {
 public:
  explicit BareServer(std::function<std::size_t()> read);
  ~BareServer();
  BareServer(const BareServer&) = delete;
  BareServer& operator=(const BareServer&) = delete;
  std::uint16_t port() const { return port_; }

 private:
  void serve();

  std::function<std::size_t()> read_;
  int listener_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace smgate::bench
