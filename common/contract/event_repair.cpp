#include "common/contract/event_repair.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>

#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

// The code unit of a \uXXXX escape at `at`, if one stands there.
std::optional<unsigned> escaped_unit(std::string_view text, std::size_t at) {
  if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return std::nullopt;
  unsigned unit = 0;
  const auto result = std::from_chars(text.data() + at + 2, text.data() + at + 6, unit, 16);
  if (result.ec != std::errc() || result.ptr != text.data() + at + 6) return std::nullopt;
  return unit;
}

// Whether whole digits are beyond 64 bits, where a strict reader gives up.
bool is_beyond_64_bits(std::string_view digits, bool negative) {
  const std::string_view most = negative ? "9223372036854775808" : "18446744073709551615";
  return digits.size() > most.size() || (digits.size() == most.size() && digits > most);
}

class Repair {
 public:
  explicit Repair(std::string_view text) : text_(text) { fixed_.reserve(text.size() + 16); }

  std::string run() {
    while (at_ < text_.size()) in_string_ ? inside_string() : outside_string();
    return std::move(fixed_);
  }

 private:
  void copy(std::size_t count) {
    fixed_ += text_.substr(at_, count);
    at_ += count;
  }
  void replace(std::size_t count, std::string_view with) {
    fixed_ += with;
    at_ += count;
  }
  void quote(std::string_view word) {
    fixed_.append("\"").append(word).append("\"");
    at_ += word.size();
  }
  void inside_string() {
    if (text_[at_] == '"') in_string_ = false;
    const std::optional<unsigned> unit = escaped_unit(text_, at_);
    if (!unit) return copy(text_[at_] == '\\' && at_ + 1 < text_.size() ? 2 : 1);
    const bool high = *unit >= 0xD800 && *unit <= 0xDBFF;
    const bool low = *unit >= 0xDC00 && *unit <= 0xDFFF;
    if (!high && !low) return copy(6);
    const unsigned next = escaped_unit(text_, at_ + 6).value_or(0);
    if (high && next >= 0xDC00 && next <= 0xDFFF) return copy(12);
    replace(6, "\\ufffd");
  }
  void outside_string() {
    constexpr std::array<std::string_view, 3> kBare = {"NaN", "-Infinity", "Infinity"};
    for (const std::string_view word : kBare)
      if (text_.substr(at_).starts_with(word)) return quote(word);
    if (text_[at_] == '"') in_string_ = true;
    const std::size_t digits = digits_ahead();
    if (digits == 0) return copy(1);
    const bool whole = at_ + digits >= text_.size() || std::string_view(".eE").find(text_[at_ + digits]) == kNone;
    const char before = at_ == 0 ? '\0' : text_[at_ - 1];
    const bool is_float = whole && std::string_view(".eE+").find(before) == kNone &&
                          is_beyond_64_bits(text_.substr(at_, digits), before == '-');
    copy(digits);
    if (is_float) fixed_ += ".0";
  }
  std::size_t digits_ahead() const { return std::min(text_.find_first_not_of("0123456789", at_), text_.size()) - at_; }

  static constexpr std::size_t kNone = std::string_view::npos;

  std::string_view text_;
  std::string fixed_;
  std::size_t at_ = 0;
  bool in_string_ = false;
};

}  // namespace

std::string repair_json(std::string_view line) {
  const std::string text = valid_utf8(line);
  return Repair(text).run();
}

}  // namespace smgate::contract
