#include "common/ids.hpp"

#include <algorithm>
#include <array>

#include "common/random.hpp"

namespace smgate {
namespace {

constexpr std::string_view kCrockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t kUlidLength = 26;
constexpr std::size_t kRunnerNameMax = 64;  // it stands in metrics labels and table columns

bool is_lower_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_char(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-';
}

}  // namespace

std::string make_ulid(std::int64_t now_ms, Random& random) {
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < 6; ++i) bytes[i] = static_cast<std::uint8_t>(now_ms >> (8 * (5 - i)));
  random.fill({bytes.data() + 6, 10});
  // 26 characters hold 130 bits: the first carries only the top 3 of 128.
  std::string text(kUlidLength, '0');
  for (std::size_t i = 0; i < kUlidLength; ++i) {
    unsigned value = 0;
    for (std::size_t bit = 0; bit < 5; ++bit) {
      const std::size_t position = i * 5 + bit;  // of 130, the first two are padding
      const bool set = position >= 2 && (bytes[(position - 2) / 8] >> (7 - (position - 2) % 8) & 1U) != 0;
      value = value << 1U | (set ? 1U : 0U);
    }
    text[i] = kCrockford[value];
  }
  return text;
}

bool is_ulid(std::string_view text) {
  return text.size() == kUlidLength && text[0] <= '7' &&
         std::all_of(text.begin(), text.end(), [](char c) { return kCrockford.find(c) != std::string_view::npos; });
}

Result<CommitSha> parse_commit_sha(std::string_view text) {
  const bool length = text.size() == 40 || text.size() == 64;
  if (!length || !std::all_of(text.begin(), text.end(), is_lower_hex))
    return Error{"\"" + std::string(text.substr(0, 80)) + "\" is no commit", "", "give 40 or 64 lower-case hex digits"};
  return CommitSha{std::string(text)};
}

Result<Arch> parse_arch(std::string_view text) {
  std::string_view digits = text.substr(0, 3) == "sm_" ? text.substr(3) : std::string_view{};
  if (!digits.empty() && (digits.back() == 'a' || digits.back() == 'f')) digits.remove_suffix(1);
  if (digits.size() < 2 || digits.size() > 4 || !std::all_of(digits.begin(), digits.end(), is_digit))
    return Error{"\"" + std::string(text.substr(0, 80)) + "\" is no architecture", "",
                 "write it as in sm_89 or sm_121"};
  return Arch{std::string(text)};
}

Result<RunnerName> parse_runner_name(std::string_view text) {
  if (text.empty() || text.size() > kRunnerNameMax || !std::all_of(text.begin(), text.end(), is_name_char))
    return Error{"\"" + std::string(text.substr(0, 80)) + "\" is no runner name", "",
                 "use 1 to 64 letters, digits, '.', '_' and '-'"};
  return RunnerName{std::string(text)};
}

}  // namespace smgate
