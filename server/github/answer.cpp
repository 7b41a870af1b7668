#include "server/github/answer.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <nlohmann/json.hpp>

namespace smgate::github {
namespace {

constexpr std::size_t kMessageBytesMax = 300;
constexpr int kErrorsShown = 3;
constexpr std::int64_t kNumberMax =
    1'000'000'000'000;  // as seconds, far behind every deadline; times 1000 it still fits

std::optional<std::int64_t> number(const Answer& answer, std::string_view name) {
  const auto found = answer.headers.find(name);
  if (found == answer.headers.end()) return std::nullopt;
  std::int64_t value = 0;
  const std::string& text = found->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return std::min(value, kNumberMax);
}

// Wed, 21 Oct 2026 07:28:00 GMT: the form of RFC 9110 that is sent; the older two are not.
std::optional<std::int64_t> parse_http_date_ms(const std::string& text) {
  std::tm parts{};
  const char* end = strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return static_cast<std::int64_t>(timegm(&parts)) * 1000;
}

// The header says either seconds or a date.
std::optional<std::int64_t> retry_after_ms(const Answer& answer, std::int64_t now_ms) {
  if (const auto after_s = number(answer, "retry-after")) return now_ms + *after_s * 1000;
  const auto found = answer.headers.find("retry-after");
  const auto date_ms = found == answer.headers.end() ? std::nullopt : parse_http_date_ms(found->second);
  return date_ms ? std::optional(std::max(*date_ms, now_ms + 1000)) : std::nullopt;  // our clock is not theirs
}

// When to go on, where this answer is about a limit.
std::optional<std::int64_t> limit_ends_ms(const Answer& answer, int attempts, std::int64_t now_ms) {
  if (answer.status != 403 && answer.status != 429) return std::nullopt;
  const std::int64_t latest_ms = now_ms + kPauseMax_ms;
  if (const auto after_ms = retry_after_ms(answer, now_ms)) return std::min(*after_ms, latest_ms);
  const auto reset_s = number(answer, "x-ratelimit-reset");
  if (number(answer, "x-ratelimit-remaining") == 0 && reset_s)
    return std::clamp(*reset_s * 1000 + 1000, now_ms + 1000, latest_ms);  // whole seconds, and our clock is not theirs
  const bool said = answer.body.find("rate limit") != std::string::npos;
  if (answer.status == 429 || said)
    return now_ms + std::min(kLimitPause_ms << std::clamp(attempts - 1, 0, 5), kPauseMax_ms);
  return std::nullopt;
}

std::string printable(std::string text) {
  if (text.size() > kMessageBytesMax) text.resize(kMessageBytesMax);
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, '?');
  return text;
}

}  // namespace

std::int64_t back_off_ms(int attempts) {
  return std::min(kBackOffFirst_ms << std::clamp(attempts - 1, 0, 10), kBackOffMax_ms);
}

Retry cut_off(const std::string& what, bool sent, int attempts, std::int64_t now_ms) {
  return {now_ms + back_off_ms(attempts), what, sent, false};
}

Meaning classify(const Answer& answer, int attempts, std::int64_t now_ms) {
  if ((answer.status >= 200 && answer.status < 300) || answer.status == 304) return Done{};
  const std::string error = explain(answer);
  if (const auto until_ms = limit_ends_ms(answer, attempts, now_ms)) return Retry{*until_ms, error, false, true};
  switch (answer.status) {
    case 401:
      return Renew{error};
    case 403:
    case 404:
    case 410:
    case 451:
      return Missing{error};
    case 400:
    case 413:
    case 422:
      return Smaller{error};
    default:
      return Retry{std::max(now_ms + back_off_ms(attempts),
                            std::min(retry_after_ms(answer, now_ms).value_or(0), now_ms + kPauseMax_ms)),
                   error, answer.status >= 500 || answer.status == 408, false};
  }
}

std::optional<std::string> link_of(std::string_view header, std::string_view relation) {
  const std::string wanted = fmt::format("rel=\"{}\"", relation);
  while (!header.empty()) {
    const std::size_t open = header.find('<');
    const std::size_t close = header.find('>', open);
    if (open == std::string_view::npos || close == std::string_view::npos) return std::nullopt;
    const std::size_t next = header.find('<', close);
    if (header.substr(close, next == std::string_view::npos ? next : next - close).find(wanted) !=
        std::string_view::npos)
      return std::string(header.substr(open + 1, close - open - 1));
    header = next == std::string_view::npos ? std::string_view() : header.substr(next);
  }
  return std::nullopt;
}

std::optional<std::int64_t> parse_utc_ms(const std::string& text) {
  std::tm parts{};
  const char* end = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (end == nullptr || (*end != 'Z' && *end != '.')) return std::nullopt;
  return static_cast<std::int64_t>(timegm(&parts)) * 1000;
}

std::string explain(const Answer& answer) {
  const nlohmann::json body = nlohmann::json::parse(answer.body, nullptr, false);
  std::string text = std::to_string(answer.status);
  if (!body.is_object()) return text;
  if (const auto message = body.find("message"); message != body.end() && message->is_string())
    text += ": " + message->get<std::string>();
  if (const auto errors = body.find("errors"); errors != body.end() && errors->is_array())
    for (std::size_t i = 0; i < errors->size() && i < kErrorsShown; ++i)
      text += "; " + (*errors)[i].dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  return printable(std::move(text));
}

}  // namespace smgate::github
