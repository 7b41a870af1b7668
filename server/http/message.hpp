// What a handler is given and what it answers: plain values, so that handlers are compiled and tested without a socket.
// Pure; any thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace smgate::http {

class WebSocket;

using Fields = std::map<std::string, std::string, std::less<>>;

struct Request {
  std::string method;
  std::string path;     // percent-decoded; always begins with '/'
  std::string pattern;  // of the route that serves it
  Fields params;        // what stood in the pattern's {names}
  Fields query;
  Fields headers;  // names in lower case
  std::string body;
  std::string remote;  // address of the peer, for the log
  bool wants_websocket = false;

  std::optional<std::string> header(std::string_view name) const;  // name in lower case
  std::optional<std::string> query_value(std::string_view name) const;
};

// What serves a connection after 101: runs until the conversation is over. The socket belongs to the server and lives
// as long as the coroutine.
struct Upgrade {
  std::function<boost::asio::awaitable<void>(WebSocket&)> serve;
  std::chrono::milliseconds silence_max{60'000};  // nothing received for so long: the peer is gone
  std::size_t message_bytes_max = 64U << 10U;
};

// A body that is too large for one string, or grows as it is read: sent piece by piece, each awaited when the one
// before is on its way. An empty piece before `length` bytes breaks the connection off.
//
// Endless: nobody knows how long it gets. It ends, and the connection with it, at an empty piece or when the server
// stops; `next` then must not wait longer than a moment.
struct BodyStream {
  std::uint64_t length = 0;
  bool endless = false;
  std::function<boost::asio::awaitable<std::string>()> next;
};

struct Response {
  unsigned status = 200;
  std::string content_type;  // empty where there is no body
  std::string body;
  std::shared_ptr<const BodyStream> stream;  // instead of body
  std::vector<std::pair<std::string, std::string>> headers;
  std::shared_ptr<const Upgrade> upgrade;  // with status 101
  std::function<void()> after;             // called once the answer is on its way, or the connection is gone
};

// application/json; bytes that are not UTF-8 become U+FFFD.
Response json_response(unsigned status, const nlohmann::json& value);
Response text_response(unsigned status, std::string text);

// An RFC 9457 problem document. `slug` names the kind of problem for programs, `next` tells a person what to do.
struct Problem {
  unsigned status;
  std::string slug;  // becomes type "urn:smgate:problem:<slug>"
  std::string detail;
  std::string next;
};
Response problem_response(const Problem& problem, const std::string& instance);

std::string_view reason_phrase(unsigned status);  // RFC 9110, for those that are used here

}  // namespace smgate::http
