#include "common/contract/key_grammar.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstdint>
#include <optional>

#include "common/contract/policy.hpp"
#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kHexDigits = "0123456789abcdefABCDEF";
constexpr std::size_t kHashCharsMin = 8;      // a CRC; shorter runs of hex letters are words
constexpr std::size_t kPointerDigitsMin = 9;  // above 4 GB; shorter hex numbers are sizes and flags

bool all_of(std::string_view text, std::string_view set) {
  return !text.empty() && text.find_first_not_of(set) == std::string_view::npos;
}
bool any_of(std::string_view text, std::string_view set) { return text.find_first_of(set) != std::string_view::npos; }

// What integers mean, by kernel and how many there are. First match wins.
struct Roles {
  std::string_view name;
  std::size_t count;
  std::array<std::string_view, 5> roles;
};
constexpr std::array<Roles, 10> kRoles = {{
    {"*rope*", 3, {"heads", "head size", "sequence length"}},
    {"*rope*", 2, {"heads", "head size"}},
    {"*4d_gemm*", 5, {"batch", "heads", "m", "n", "k"}},
    {"*rms*norm*", 2, {"sequence length", "hidden size"}},
    {"*rms*norm*", 1, {"hidden size"}},
    {"*gate_up*", 2, {"hidden size", "intermediate size"}},
    {"*gemm*backward*", 3, {"m", "n", "k"}},
    {"*gemm*", 3, {"m", "n", "k"}},
    {"*gemm*", 2, {"k", "n"}},
    {"*softmax*", 1, {"row length"}},
}};

// Short names that come before float bits, and what they are called.
std::string role_of_float(std::string_view prefix) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kNames = {
      {{"th", "RoPE theta"}, {"al", "alpha"}, {"t", "temperature"}, {"mu", "beta1"}, {"nu", "beta2"}}};
  for (const auto& [name, role] : kNames)
    if (prefix == name) return std::string(role);
  return prefix.empty() ? "number" : std::string(prefix);
}

void name_integers(ParsedKey& key) {
  const auto is_integer = [](const Token& token) { return token.kind == TokenKind::integer; };
  const auto count = static_cast<std::size_t>(std::count_if(key.tokens.begin(), key.tokens.end(), is_integer));
  const auto known = std::find_if(kRoles.begin(), kRoles.end(), [&](const Roles& roles) {
    return roles.count == count && matches_pattern(roles.name, key.name);
  });
  std::size_t index = 0;
  for (Token& token : key.tokens) {
    if (!is_integer(token)) continue;
    token.role = known != kRoles.end() ? std::string(known->roles[index]) : fmt::format("integer {}", index + 1);
    ++index;
  }
}

// A short name and the bits of an IEEE 754 binary32 as eight hex digits: eps358637bd.
std::optional<Token> float_bits_token(std::string_view part) {
  constexpr std::size_t kPrefixCharsMax = 8, kHexDigitsOfFloat = 8;
  if (part.size() <= kHexDigitsOfFloat || part.size() > kPrefixCharsMax + kHexDigitsOfFloat) return std::nullopt;
  const std::string_view prefix = part.substr(0, part.size() - kHexDigitsOfFloat);
  const std::string_view text = part.substr(prefix.size());
  const bool bits_like = all_of(text, "0123456789abcdef") && any_of(text, kDigits);
  if (!bits_like || !all_of(prefix, "abcdefghijklmnopqrstuvwxyz") || all_of(part, kHexDigits)) return std::nullopt;
  std::uint32_t bits = 0;
  std::from_chars(text.data(), text.data() + text.size(), bits, 16);
  return Token{TokenKind::float_bits, std::string(prefix), std::string(text), shortest(std::bit_cast<float>(bits)),
               role_of_float(prefix)};
}

// A decimal with a point or an exponent, perhaps after eps or th: 0.5, eps1e-05.
std::optional<Token> decimal_token(std::string_view part) {
  for (const std::string_view prefix : {std::string_view("eps"), std::string_view("th"), std::string_view("")}) {
    if (!part.starts_with(prefix)) continue;
    const std::string_view text = part.substr(prefix.size());
    double value = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = result.ec == std::errc() && result.ptr == text.data() + text.size();
    const bool starts_as_number = !text.empty() && any_of(text.substr(0, 1), "0123456789-.");
    if (whole && starts_as_number && (!prefix.empty() || any_of(text, ".eE")))
      return Token{TokenKind::decimal, std::string(prefix), std::string(text), shortest(value), role_of_float(prefix)};
  }
  return std::nullopt;
}

std::optional<Token> architecture_token(std::string_view part) {
  for (const std::string_view prefix : {std::string_view("sm"), std::string_view("compute"), std::string_view("gfx")}) {
    if (!part.starts_with(prefix)) continue;
    std::string_view digits = part.substr(prefix.size());
    if (digits.ends_with('a') || digits.ends_with('f')) digits.remove_suffix(1);
    if (digits.size() >= 2 && digits.size() <= 4 && all_of(digits, kDigits))
      return Token{TokenKind::architecture, "", std::string(part), std::string(part), "architecture"};
  }
  return std::nullopt;
}

// Hex digits, a UUID, or base 32 (RFC 4648) of a digest, as Triton names its kernels.
bool is_hash(std::string_view part) {
  constexpr std::size_t kUuidChars = 36, kBase32CharsMin = 26;  // 128 bits
  const bool mixed = any_of(part, kDigits) && any_of(part, "abcdefABCDEF");
  if (part.size() >= kHashCharsMin && all_of(part, kHexDigits) && mixed) return true;
  if (part.size() == kUuidChars && part[8] == '-' && part[13] == '-')
    return part.find_first_not_of("0123456789abcdefABCDEF-") == std::string_view::npos;
  return part.size() >= kBase32CharsMin && all_of(part, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") && any_of(part, kDigits);
}

std::optional<Token> token_of(std::string_view part) {
  const std::string text(part);
  if (all_of(part, kDigits)) return Token{TokenKind::integer, "", text, text, ""};
  if (auto token = architecture_token(part)) return token;
  if (part.starts_with("0x") && all_of(part.substr(2), kHexDigits))
    return part.size() - 2 >= kPointerDigitsMin ? Token{TokenKind::pointer, "", text, text, "pointer"}
                                                : Token{TokenKind::integer, "", text, text, ""};
  if (auto token = float_bits_token(part)) return token;
  if (auto token = decimal_token(part)) return token;
  if (is_hash(part)) return Token{TokenKind::hash, "", text, text, "hash"};
  return std::nullopt;
}

class KeyParser {
 public:
  explicit KeyParser(std::string_view key) : whole_(key), rest_(key) {}

  ParsedKey run() {
    while (!rest_.empty()) {
      if (any_of(rest_.substr(0, 1), kSeparators)) {
        after_separator_ = true;
        rest_.remove_prefix(1);
      } else if (rest_.front() == '/' && after_separator_) {
        path();
      } else {
        part(rest_.substr(0, std::min(rest_.find_first_of(kSplits), rest_.size())));
      }
    }
    name_integers(key_);
    return std::move(key_);
  }

  // After run: where the architecture tokens stand in the key.
  const std::vector<std::string_view>& architectures() const { return architectures_; }

 private:
  static constexpr std::string_view kSeparators = "_,:;()[]{}<>|=@ \t'\"";
  static constexpr std::string_view kSplits = "_,:;()[]{}<>|=@ \t'\"/";

  void path() {
    const std::size_t length = std::min(rest_.find_first_of(",:;()[]|@ \t'\""), rest_.size());
    const std::string text(rest_.substr(0, length));
    key_.tokens.push_back({TokenKind::path, "", text, text, "path"});
    rest_.remove_prefix(length);
  }
  void word(std::string_view text) {
    if (!key_.name.empty()) key_.name += '_';
    key_.name += text;
  }
  void part(std::string_view text) {
    rest_.remove_prefix(text.empty() ? 1 : text.size());
    after_separator_ = false;
    // sm_89 holds a separator of its own.
    const bool split_architecture = (text == "sm" || text == "compute") && rest_.starts_with("_");
    if (split_architecture) {
      const std::size_t length = std::min(rest_.find_first_of(kSplits, 1), rest_.size());
      const std::string joined = std::string(text) + std::string(rest_.substr(1, length - 1));
      if (architecture_token(joined)) {
        const auto begin = static_cast<std::size_t>(text.data() - whole_.data());
        const std::string_view whole = whole_.substr(begin, text.size() + length);
        rest_.remove_prefix(length);
        return push({TokenKind::architecture, "", std::string(whole), std::string(whole), "architecture"}, whole);
      }
    }
    if (auto token = token_of(text)) return push(std::move(*token), text);
    if (sizes(text)) return;
    split_further(text);
  }
  void push(Token token, std::string_view where) {
    if (token.kind == TokenKind::architecture) architectures_.push_back(where);
    key_.tokens.push_back(std::move(token));
  }
  // 128x64: two integers.
  bool sizes(std::string_view text) {
    if (text.find_first_not_of("0123456789x") != std::string_view::npos) return false;
    if (text.empty() || text.front() == 'x' || text.back() == 'x' || text.find("xx") != std::string_view::npos)
      return false;
    for (std::size_t end = 0; end != std::string_view::npos; text.remove_prefix(std::min(end, text.size() - 1) + 1)) {
      end = text.find('x');
      key_.tokens.push_back(*token_of(text.substr(0, end)));
    }
    return true;
  }
  // a-b, a.b and a+b are words, unless they were a number.
  void split_further(std::string_view text) {
    const std::size_t cut = text.find_first_of("-.+");
    if (cut == std::string_view::npos) {
      if (!text.empty()) word(text);
      return;
    }
    for (const std::string_view half : {text.substr(0, cut), text.substr(cut + 1)}) {
      if (auto token = token_of(half))
        push(std::move(*token), half);
      else
        split_further(half);
    }
  }

  std::string_view whole_, rest_;
  ParsedKey key_;
  std::vector<std::string_view> architectures_;
  bool after_separator_ = true;
};

bool same_place(const Token& a, const Token& b) {
  const auto is_float = [](const Token& t) { return t.kind == TokenKind::float_bits || t.kind == TokenKind::decimal; };
  return a.prefix == b.prefix && (a.kind == b.kind || (is_float(a) && is_float(b)));
}
// Two spellings of one value are still two keys.
bool same_token(const Token& a, const Token& b) { return same_place(a, b) && a.text == b.text; }

TokenDifference difference(const Token* run_time, const Token* prewarmed) {
  const Token& named = run_time != nullptr ? *run_time : *prewarmed;
  const auto text = [](const Token* token) { return token == nullptr ? "" : token->prefix + token->text; };
  const auto value = [](const Token* token) { return token == nullptr ? "" : token->value; };
  return {named.kind, named.role, value(run_time), value(prewarmed), text(run_time), text(prewarmed)};
}

constexpr std::size_t kTokensAligned = 64;  // a key with more is compared position by position

std::vector<TokenDifference> align(const std::vector<Token>& a, const std::vector<Token>& b) {
  // cost[i][j]: the fewest differences between a from i and b from j.
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = a.size() + 1; i-- > 0;)
    for (std::size_t j = b.size() + 1; j-- > 0;) {
      if (i == a.size() || j == b.size()) {
        cost[i][j] = (a.size() - i) + (b.size() - j);
        continue;
      }
      cost[i][j] = 1 + std::min(cost[i + 1][j], cost[i][j + 1]);
      if (same_place(a[i], b[j]))
        cost[i][j] = std::min(cost[i][j], cost[i + 1][j + 1] + (same_token(a[i], b[j]) ? 0 : 1));
    }
  std::vector<TokenDifference> found;
  for (std::size_t i = 0, j = 0; i < a.size() || j < b.size();) {
    const bool both = i < a.size() && j < b.size() && same_place(a[i], b[j]);
    if (both && cost[i][j] == cost[i + 1][j + 1] + (same_token(a[i], b[j]) ? 0 : 1)) {
      if (!same_token(a[i], b[j])) found.push_back(difference(&a[i], &b[j]));
      ++i, ++j;
    } else if (i < a.size() && (j == b.size() || cost[i][j] == 1 + cost[i + 1][j])) {
      found.push_back(difference(&a[i++], nullptr));
    } else {
      found.push_back(difference(nullptr, &b[j++]));
    }
  }
  return found;
}

}  // namespace

ParsedKey parse_key(std::string_view key) { return KeyParser(key).run(); }

std::string without_architecture(std::string_view key) {
  KeyParser parser(key);
  (void)parser.run();
  std::string text;
  std::size_t done = 0;
  for (const std::string_view token : parser.architectures()) {
    const auto begin = static_cast<std::size_t>(token.data() - key.data());
    text += std::string(key.substr(done, begin - done)) + "sm_*";
    done = begin + token.size();
  }
  return text + std::string(key.substr(done));
}

std::vector<TokenDifference> differences(const ParsedKey& run_time, const ParsedKey& prewarmed) {
  const std::vector<Token>&a = run_time.tokens, &b = prewarmed.tokens;
  const bool same_shape = std::equal(a.begin(), a.end(), b.begin(), b.end(), same_place);
  if (!same_shape && a.size() <= kTokensAligned && b.size() <= kTokensAligned) return align(a, b);
  std::vector<TokenDifference> found;
  for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    const Token* left = i < a.size() ? &a[i] : nullptr;
    const Token* right = i < b.size() ? &b[i] : nullptr;
    if (left == nullptr || right == nullptr || !same_token(*left, *right)) found.push_back(difference(left, right));
  }
  return found;
}

bool is_drift(const std::vector<TokenDifference>& differences) {
  const auto allowed = [](const TokenDifference& d) {
    const bool one_sided = d.run_time_token.empty() || d.prewarmed_token.empty();
    return one_sided || d.kind == TokenKind::integer || d.kind == TokenKind::float_bits || d.kind == TokenKind::decimal;
  };
  return !differences.empty() && std::all_of(differences.begin(), differences.end(), allowed);
}

std::string say(const TokenDifference& d) {
  if (d.prewarmed.empty() && d.prewarmed_token.empty())
    return fmt::format("{} {} at run time, absent from the pre-warmed key", d.role, d.run_time);
  if (d.run_time.empty() && d.run_time_token.empty())
    return fmt::format("{} {} in the pre-warmed key, absent at run time", d.role, d.prewarmed);
  return fmt::format("{} {} at run time, {} pre-warmed", d.role, d.run_time, d.prewarmed);
}

}  // namespace smgate::contract
