#include "runner/lint/unused_key.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace smgate::lint {
namespace {

using Tokens = std::vector<Token>;
constexpr std::size_t kDeclaratorTokensMax = 1024;  // from a function's parameters to its body

struct Range {  // of tokens, half open
  std::size_t begin = 0, end = 0;
};

bool uses(const Tokens& tokens, Range range, std::string_view name) {
  for (std::size_t i = range.begin; i < range.end; ++i)
    if (tokens[i].kind == TokenKind::name && tokens[i].text == name) return true;
  return false;
}

bool is_any(const Token& token, std::initializer_list<std::string_view> texts) {
  return std::any_of(texts.begin(), texts.end(), [&](std::string_view text) { return token.is(text); });
}

class Finder {
 public:
  explicit Finder(Tokens tokens) : tokens_(std::move(tokens)), close_(closings(tokens_)) {}

  std::vector<UnusedKey> in_c() {
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      if (tokens_[i].directive != 0)
        look_at_define(i);
      else if (tokens_[i].is("("))
        look_at_function(i);
    }
    return std::move(found_);
  }

  std::vector<UnusedKey> in_rust() {
    for (std::size_t i = 0; i + 3 < tokens_.size(); ++i)
      if (tokens_[i].is("macro_rules") && tokens_[i + 1].is("!")) look_at_macro_rules(i + 2);
    return std::move(found_);
  }

 private:
  void report(const Token& parameter, Place place, std::string_view name) {
    found_.push_back({parameter.line, place, std::string(name), std::string(parameter.text)});
  }

  // #define NAME(a, key) body: the bracket touches the name, and the body ends with the directive.
  void look_at_define(std::size_t i) {
    if (!tokens_[i].is("#") || i + 3 >= tokens_.size() || !tokens_[i + 1].is("define")) return;
    const Token& name = tokens_[i + 2];
    if (!tokens_[i + 3].is("(") || tokens_[i + 3].text.data() != name.text.data() + name.text.size()) return;
    const std::size_t close = close_[i + 3];
    if (close == tokens_.size()) return;
    std::size_t end = close + 1;
    while (end < tokens_.size() && tokens_[end].directive == tokens_[i].directive) ++end;
    const Range body{close + 1, end};
    if (is_stub(body)) return;
    for (std::size_t p = i + 4; p < close; ++p)
      if (tokens_[p].kind == TokenKind::name && says_key(tokens_[p].text) && !uses(tokens_, body, tokens_[p].text))
        report(tokens_[p], Place::macro, name.text);
  }

  // Nothing, or what stands for nothing: {}, ((void)0), do {} while (0).
  bool is_stub(Range body) const {
    for (std::size_t i = body.begin; i < body.end; ++i) {
      const Token& token = tokens_[i];
      if (token.kind == TokenKind::literal) return false;
      if (token.kind == TokenKind::name && !is_any(token, {"void", "0", "do", "while", "false", "return", "nullptr"}))
        return false;
    }
    return true;
  }

  // name ( parameters ) anything of a declarator { body }
  void look_at_function(std::size_t open) {
    const std::string_view name = function_name(open);
    if (name.empty()) return;
    const std::size_t close = close_[open];
    const std::size_t brace = body_after(close);
    if (brace >= tokens_.size()) return;
    const std::size_t end = close_[brace];
    if (is_stub({brace + 1, end})) return;
    const Range used_in{close + 1, end};  // with a constructor's initializers
    for (const std::size_t parameter : named_parameters({open + 1, close}))
      if (says_key(tokens_[parameter].text) && !uses(tokens_, used_in, tokens_[parameter].text))
        report(tokens_[parameter], Place::function, name);
  }
  // What stands before its bracket; empty where no function has one there.
  std::string_view function_name(std::size_t open) const {
    if (open == 0) return "";
    const Token& before = tokens_[open - 1];
    if (before.kind == TokenKind::name) return is_no_function(before) ? "" : before.text;
    if (before.is("]") && !(open > 1 && is_operator(open - 2))) return "(lambda)";
    for (std::size_t i = open; i > 0 && open - i < 3; --i)
      if (is_operator(i - 1)) return "operator";
    return "";
  }
  bool is_operator(std::size_t i) const {
    return tokens_[i].is("operator") || (i > 0 && tokens_[i - 1].is("operator"));
  }
  static bool is_no_function(const Token& token) {
    return is_any(token, {"if", "for", "while", "switch", "catch", "return", "sizeof", "alignof", "decltype",
                          "noexcept", "alignas", "__attribute__", "static_assert", "new", "requires"});
  }
  // The brace of the body, past const, noexcept(...), -> type, : initializers; tokens_.size() for a declaration or a
  // call.
  std::size_t body_after(std::size_t close) const {
    bool initializers = false;
    const std::size_t last = std::min(tokens_.size(), close + kDeclaratorTokensMax);
    for (std::size_t i = close + 1; i < last && tokens_[i].directive == 0; ++i) {
      const Token& token = tokens_[i];
      if (token.is("{") && !(initializers && tokens_[i - 1].kind == TokenKind::name)) return i;
      if (token.is(":")) {
        initializers = true;
      } else if (token.is("(") || token.is("[") || token.is("{")) {
        i = close_[i];
      } else if (token.kind == TokenKind::literal || is_any(token, {";", ")", "}", "=", "?", "+", "/", "|", "."}) ||
                 (token.is(",") && !initializers)) {
        return tokens_.size();
      }
    }
    return tokens_.size();
  }

  // Of each parameter that has a name the index of it.
  std::vector<std::size_t> named_parameters(Range list) const {
    std::vector<std::size_t> names;
    std::size_t angles = 0, begin = list.begin;
    for (std::size_t i = list.begin; i <= list.end && i < tokens_.size(); ++i) {
      const Token& token = tokens_[i];
      if (i == list.end || (token.is(",") && angles == 0)) {
        if (const std::size_t name = name_of({begin, i}); name < i) names.push_back(name);
        begin = i + 1;
      } else if (token.is("<")) {
        ++angles;
      } else if (token.is(">") && angles > 0) {
        --angles;
      } else if (token.is("(") || token.is("[") || token.is("{")) {
        i = std::min(close_[i], list.end - 1);
      }
    }
    return names;
  }
  // `const std::string& key = {}`: the last name before the default, behind a type. Its end where there is none.
  std::size_t name_of(Range parameter) const {
    std::size_t end = parameter.begin;
    while (end < parameter.end && !tokens_[end].is("=") && !tokens_[end].is("[")) ++end;
    std::size_t types = 0;
    for (std::size_t i = parameter.begin; i < end; ++i) {
      if (tokens_[i].is("maybe_unused")) return parameter.end;
      types += tokens_[i].kind == TokenKind::name && !is_any(tokens_[i], {"const", "volatile", "struct", "typename"});
    }
    const bool marked = tokens_[parameter.begin].is("[");  // an attribute before the type
    if (marked || end == parameter.begin || types < 2 || tokens_[end - 1].kind != TokenKind::name) return parameter.end;
    return tokens_[end - 2].is(":") ? parameter.end : end - 1;  // a::Key is a type alone
  }

  // macro_rules! name { (pattern) => { body }; ... }: each arm for itself.
  void look_at_macro_rules(std::size_t name) {
    if (name + 1 >= tokens_.size()) return;
    const std::size_t end = close_[name + 1];
    for (std::size_t i = name + 2; i < end;) {
      const std::size_t pattern_end = close_[i];
      const std::size_t body = pattern_end + 3;  // past ) = >
      if (body >= end) return;
      const std::size_t body_end = close_[body];
      look_at_arm({i + 1, pattern_end}, {body + 1, std::min(body_end, tokens_.size())}, tokens_[name].text);
      i = body_end + 1;
      if (i < end && tokens_[i].is(";")) ++i;
    }
  }
  void look_at_arm(Range pattern, Range body, std::string_view name) {
    if (is_stub(body)) return;
    for (std::size_t i = pattern.begin; i + 1 < pattern.end; ++i) {
      const Token& token = tokens_[i];
      if (token.text.front() != '$' || token.kind != TokenKind::name || !tokens_[i + 1].is(":")) continue;
      if (says_key(token.text) && !uses(tokens_, body, token.text)) report(token, Place::macro, name);
    }
  }

  const Tokens tokens_;
  const std::vector<std::size_t> close_;
  std::vector<UnusedKey> found_;
};

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_letter(char c) { return is_upper(c) || (c >= 'a' && c <= 'z'); }

}  // namespace

bool says_key(std::string_view name) {
  for (std::size_t begin = 0; begin < name.size();) {
    std::size_t end = begin + 1;
    if (!is_letter(name[begin])) {
      begin = end;
      continue;
    }
    const bool shouted = is_upper(name[begin]) && end < name.size() && is_upper(name[end]);
    while (end < name.size() && is_letter(name[end]) && (shouted || !is_upper(name[end]))) ++end;
    std::string word(name.substr(begin, end - begin));
    for (char& c : word) c = is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
    if (word == "key" || word == "keys") return true;
    begin = end;
  }
  return false;
}

std::vector<UnusedKey> unused_keys(std::string_view source, Language language) {
  Finder finder(tokens_of(source, language));
  return language == Language::c ? finder.in_c() : finder.in_rust();
}

}  // namespace smgate::lint
