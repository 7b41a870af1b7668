// Takes kernel keys apart: the kernel's name, and the values in it (integers, float bits, architectures, hashes, paths,
// pointers), each with its role where the kernel is known. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace smgate::contract {

enum class TokenKind { integer, float_bits, decimal, architecture, hash, pointer, path };

struct Token {
  TokenKind kind = TokenKind::integer;
  std::string prefix;  // of a float: eps, th
  std::string text;    // as it stands in the key, without the prefix
  std::string value;   // decoded: 358637bd is 1e-06
  std::string role;    // for a person: "eps", "sequence length", "integer 2"
  bool operator==(const Token&) const = default;
};

struct ParsedKey {
  std::string name;  // the words, joined by _
  std::vector<Token> tokens;
};

ParsedKey parse_key(std::string_view key);

// The key with each of its architecture tokens as "sm_*": what two architectures that do the same share.
std::string without_architecture(std::string_view key);

// One token that two keys do not share. An empty text: the key on that side has no such token.
struct TokenDifference {
  TokenKind kind = TokenKind::integer;
  std::string role;
  std::string run_time, prewarmed;              // decoded
  std::string run_time_token, prewarmed_token;  // as they stand in the keys
  bool operator==(const TokenDifference&) const = default;
};

// Of two keys of one name; aligned so that the fewest tokens differ.
std::vector<TokenDifference> differences(const ParsedKey& run_time, const ParsedKey& prewarmed);

// Whether keys of one name with these differences are a drift: numbers, floats or tokens that only one side has.
bool is_drift(const std::vector<TokenDifference>& differences);

// "eps 1e-06 at run time, 1e-05 pre-warmed"
std::string say(const TokenDifference& difference);

}  // namespace smgate::contract
