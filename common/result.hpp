// How expected failures travel: as values. A bug asserts; a failed environment throws std::runtime_error and is
// caught once, in the connection loop, the stage loop or main.
#pragma once

#include <boost/system/result.hpp>
#include <stdexcept>
#include <string>
#include <utility>

namespace smgate {

// What a person sees: what failed, where (a file, a JSON pointer, an address; may be empty), and what to do next.
struct Error {
  std::string what;
  std::string where;
  std::string next;

  // Not an aggregate: a lone string must never convert to an error.
  Error() = default;
  Error(std::string what_failed, std::string where_it_failed, std::string what_to_do)
      : what(std::move(what_failed)), where(std::move(where_it_failed)), next(std::move(what_to_do)) {}

  std::string text() const {
    std::string line = where.empty() ? what : where + ": " + what;
    if (!next.empty()) line += " (" + next + ")";
    return line;
  }
  bool operator==(const Error&) const = default;
};

// value() on an error is a bug of the caller; boost::system::result then calls this.
[[noreturn]] inline void throw_exception_from_error(const Error& error, const boost::source_location&) {
  throw std::runtime_error(error.text());
}

template <class T>
using Result = boost::system::result<T, Error>;

}  // namespace smgate
