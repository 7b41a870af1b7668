// Takes a request target and a Range header apart (RFC 3986, RFC 9110 section 14). Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.hpp"
#include "server/http/message.hpp"

namespace smgate::http {

struct Target {
  std::string path;
  Fields query;
};

// Errors: not an absolute path, a broken percent sequence, a query parameter given twice.
Result<Target> parse_target(std::string_view target);

std::string percent_encode(std::string_view text);  // all but unreserved characters

struct ByteRange {
  std::uint64_t first;
  std::uint64_t last;  // inclusive
};
// unsatisfiable: answer 416. ignored: absent, another unit, several ranges or broken: answer the whole, as RFC 9110
// allows.
enum class RangeOutcome { ignored, satisfiable, unsatisfiable };
struct RangeRequest {
  RangeOutcome outcome;
  ByteRange range;
};
RangeRequest parse_range(const std::optional<std::string>& header, std::uint64_t size);

}  // namespace smgate::http
