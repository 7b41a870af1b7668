// A client for tests: plain HTTP requests, raw bytes, and a WebSocket, each call blocking and with a deadline, after
// which it throws. Knows nothing of the server's code. Any thread, one a client.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace smgate::test {

using Headers = std::map<std::string, std::string>;

struct HttpAnswer {
  unsigned status = 0;
  Headers headers;  // names in lower case
  std::string body;
};

// One request on a connection of its own.
HttpAnswer http_request(std::uint16_t port, const std::string& method, const std::string& target,
                        const Headers& headers = {}, const std::string& body = "");
inline HttpAnswer http_get(std::uint16_t port, const std::string& target, const Headers& headers = {}) {
  return http_request(port, "GET", target, headers);
}

// A connection that stays: for keep-alive, for half requests and for what comes after a close.
class RawConnection {
 public:
  explicit RawConnection(std::uint16_t port);
  ~RawConnection();
  void send(std::string_view bytes);
  HttpAnswer answer(bool head = false);  // the next answer, whole
  // Reads until `text` has come, for answers that do not end; all that came since the last call, up to its end.
  std::string read_until(const std::string& text);
  bool closed_by_peer();                 // waits for the end of the stream; false where bytes come instead

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class WebSocketClient {
 public:
  WebSocketClient();
  ~WebSocketClient();

  // nullopt: the connection is a WebSocket now; else how the upgrade was refused.
  std::optional<HttpAnswer> connect(std::uint16_t port, const std::string& target, const Headers& headers);
  void send(const std::string& text);
  std::string receive();
  struct Closed {
    unsigned code = 0;  // 0: without a goodbye
    std::string reason;
  };
  Closed closed();  // reads until the end, whatever else comes before it
  void drop();      // cuts the line without a word

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace smgate::test
