#include "server/http/target.hpp"

#include <algorithm>
#include <charconv>

namespace smgate::http {
namespace {

constexpr std::size_t kDigitsMax = 18;  // fits 64 bits; a longer one is past any file's end

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += plus_is_space && text[i] == '+' ? ' ' : text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_value(text[i + 1]);
    const int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

Result<void> add_parameter(std::string_view pair, Fields& query) {
  const std::size_t equals = pair.find('=');
  const auto name = percent_decode(pair.substr(0, equals), true);
  const auto value =
      percent_decode(equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1), true);
  if (!name || !value) return Error{"a percent sign in the query begins no byte", "", "write a percent sign as %25"};
  if (!query.emplace(*name, *value).second)
    return Error{"query parameter \"" + *name + "\" is given twice", "", "give it once"};
  return {};
}

std::optional<std::uint64_t> parse_number(std::string_view digits) {
  if (digits.empty() || digits.size() > kDigitsMax) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

}  // namespace

Result<Target> parse_target(std::string_view target) {
  if (target.empty() || target.front() != '/')
    return Error{"the request target is no absolute path", "", "begin it with '/'"};
  const std::size_t mark = target.find('?');
  const auto path = percent_decode(target.substr(0, mark), false);
  if (!path) return Error{"a percent sign in the path begins no byte", "", "write a percent sign as %25"};
  Target parsed;
  parsed.path = *path;
  std::string_view rest = mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('&'), rest.size());
    if (end > 0)
      if (const Result<void> added = add_parameter(rest.substr(0, end), parsed.query); !added) return added.error();
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return parsed;
}

std::string percent_encode(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter || c == '-' || c == '.' || c == '_' || c == '~') {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += '%';
    encoded += kHex[byte >> 4U];
    encoded += kHex[byte & 15U];
  }
  return encoded;
}

RangeRequest parse_range(const std::optional<std::string>& header, std::uint64_t size) {
  const RangeRequest ignored{RangeOutcome::ignored, {0, 0}};
  const RangeRequest unsatisfiable{RangeOutcome::unsatisfiable, {0, 0}};
  if (!header || header->rfind("bytes=", 0) != 0) return ignored;
  const std::string_view spec = std::string_view(*header).substr(6);
  const std::size_t dash = spec.find('-');
  if (dash == std::string_view::npos) return ignored;
  const std::string_view first_text = spec.substr(0, dash);
  const std::string_view last_text = spec.substr(dash + 1);
  const auto last = parse_number(last_text);
  if (first_text.empty()) {  // the last n bytes
    if (!last) return ignored;
    if (*last == 0 || size == 0) return unsatisfiable;
    return {RangeOutcome::satisfiable, {size - std::min(*last, size), size - 1}};
  }
  const auto first = parse_number(first_text);
  if (!first || (!last_text.empty() && (!last || *last < *first))) return ignored;
  if (*first >= size) return unsatisfiable;
  return {RangeOutcome::satisfiable, {*first, std::min(last.value_or(size - 1), size - 1)}};
}

}  // namespace smgate::http
