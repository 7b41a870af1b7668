// Source text as tokens: comments are gone, a literal is one token whatever it holds. Enough of C, C++, CUDA and Rust
// to find macros, functions and names in them; nothing is preprocessed. Pure; any thread.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace smgate::lint {

enum class Language { c, rust };
enum class TokenKind { name, literal, punctuation };

struct Token {
  TokenKind kind = TokenKind::punctuation;
  std::string_view text;      // of the source that was given; a literal's is its quotes and what is between
  std::size_t line = 0;       // from 1
  std::size_t directive = 0;  // number of the preprocessor directive that it is part of, from 1; 0: of none

  bool is(std::string_view other) const { return kind != TokenKind::literal && text == other; }
};

// A literal or comment that never ends takes the rest of the source. Rust: `$name` is one name.
std::vector<Token> tokens_of(std::string_view source, Language language);

// For each token that opens a bracket ((), [] or {}) the index of what closes it; tokens.size() where nothing does.
std::vector<std::size_t> closings(const std::vector<Token>& tokens);

}  // namespace smgate::lint
