// One HTTP exchange: connect, send, read the answer, close. TLS with certificate and host name checks, a deadline over
// all of it, and a bound on what is read. Follows nothing and decides nothing. The only file of this library that sees
// Beast. Network thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "server/github/answer.hpp"
#include "server/github/url.hpp"

namespace smgate::github {

inline constexpr std::chrono::seconds kExchangeDeadline{30};        // GitHub itself gives up after 10 s
inline constexpr std::size_t kAnswerBytesMax = 16U << 20U;          // 100 pull requests with long texts are some 3 MB
inline constexpr std::uint32_t kAnswerHeaderBytesMax = 64U << 10U;  // its Link headers are long

struct Exchange {
  std::string method;
  Url url;
  Fields headers;
  std::string body;
};

// No whole answer came.
struct NoAnswer {
  std::string what;
  bool sent = false;  // the request, or a part of it, was on its way
};
using Exchanged = std::variant<Answer, NoAnswer>;

// How requests travel: tests and the simulator put their own here.
using Transport = std::function<boost::asio::awaitable<Exchanged>(Exchange)>;

// `ca_file`: certificates in PEM to trust instead of the system's; empty: the system's. Throws where it is unusable.
// `deadline`: of a whole exchange, from looking up the name to the last byte.
Transport make_transport(boost::asio::any_io_executor executor, const std::filesystem::path& ca_file,
                         std::chrono::milliseconds deadline = kExchangeDeadline);

}  // namespace smgate::github
