// What an answer of GitHub means. Pure; any thread.
// https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace smgate::github {

using Fields = std::map<std::string, std::string, std::less<>>;  // names in lower case

struct Answer {
  unsigned status = 0;
  Fields headers;
  std::string body;
};

struct Done {};
// Not now. `limited`: nobody is to send anything before, and it was not this call's fault.
struct Retry {
  std::int64_t at_ms = 0;
  std::string error;
  bool unsure = false;  // it may have taken effect all the same
  bool limited = false;
};
// The token was refused: another one, then again.
struct Renew {
  std::string error;
};
// GitHub refuses the body: send less.
struct Smaller {
  std::string error;
};
// What it is about is not there, or we may not see it.
struct Missing {
  std::string error;
};
using Meaning = std::variant<Done, Retry, Renew, Smaller, Missing>;

inline constexpr std::int64_t kLimitPause_ms = 60'000;   // GitHub: at least a minute, where it says no time
inline constexpr std::int64_t kPauseMax_ms = 3'600'000;  // a header that says more is not believed
inline constexpr std::int64_t kBackOffFirst_ms = 5'000;
inline constexpr std::int64_t kBackOffMax_ms = 600'000;

// 5 s, doubled with each attempt, at most 10 min.
std::int64_t back_off_ms(int attempts);

// attempts: of this call, this one included.
Meaning classify(const Answer& answer, int attempts, std::int64_t now_ms);
// Nothing came, or not all of it.
Retry cut_off(const std::string& what, bool sent, int attempts, std::int64_t now_ms);

// The URL of this relation in a Link header (RFC 8288).
std::optional<std::string> link_of(std::string_view header, std::string_view relation);

// "422: No commit found for SHA": the status and GitHub's message, for logs and rows.
std::string explain(const Answer& answer);

// 2016-07-11T22:14:10Z as Unix milliseconds.
std::optional<std::int64_t> parse_utc_ms(const std::string& text);

}  // namespace smgate::github
