#include "runner/lint/tokens.hpp"

#include <algorithm>
#include <string>

namespace smgate::lint {
namespace {

bool starts_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool goes_on_name(char c) { return starts_name(c) || is_digit(c); }

class Scanner {
 public:
  Scanner(std::string_view source, Language language) : source_(source), language_(language) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) step();
    return std::move(tokens_);
  }

 private:
  std::string_view rest() const { return source_.substr(at_); }
  bool ahead(std::string_view text) const { return rest().substr(0, text.size()) == text; }

  void step() {
    const char c = source_[at_];
    if (ahead("\\\n") || ahead("\\\r\n")) return skip(rest().find('\n') + 1);  // goes on in the next line
    if (c == '\n') return end_line();
    if (c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v') return skip(1);
    if (ahead("//")) return skip_line_comment();
    if (ahead("/*")) return skip(comment_length());
    if (c == '#' && language_ == Language::c && first_of_line_) directive_ = ++directives_;
    first_of_line_ = false;
    if (const std::size_t length = literal_length()) return take(TokenKind::literal, length);
    if (const std::size_t length = name_length()) return take(TokenKind::name, length);
    take(TokenKind::punctuation, 1);
  }

  void end_line() {
    first_of_line_ = true;
    directive_ = 0;
    skip(1);
  }
  void skip(std::size_t length) {
    const std::string_view text = rest().substr(0, length);
    line_ += static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    at_ += text.size();
  }
  void take(TokenKind kind, std::size_t length) {
    tokens_.push_back({kind, rest().substr(0, length), line_, directive_});
    skip(length);
  }

  // Up to its newline, which ends a directive, too; a backslash before the newline makes the comment go on (in C).
  void skip_line_comment() {
    std::size_t end = rest().find('\n');
    while (language_ == Language::c && end != std::string_view::npos && end > 0 && rest()[end - 1] == '\\')
      end = rest().find('\n', end + 1);
    skip(std::min(end, rest().size()));
  }

  // Rust's comments nest, C's do not.
  std::size_t comment_length() const {
    std::size_t depth = 0, i = 0;
    for (; i < rest().size(); ++i) {
      if (rest().substr(i, 2) == "*/") {
        ++i;
        if (--depth == 0 || language_ == Language::c) return i + 1;
      } else if (rest().substr(i, 2) == "/*") {
        ++depth;
        ++i;
      }
    }
    return rest().size();
  }

  std::size_t name_length() const {
    std::size_t start = language_ == Language::rust && rest().front() == '$' && rest().size() > 1 ? 1 : 0;
    if (!starts_name(rest()[start])) return is_digit(rest().front()) ? number_length() : 0;
    while (start < rest().size() && goes_on_name(rest()[start])) ++start;
    return start;
  }
  // A number is a name that no parameter has: 0x1p-3f, 1'000, 1.5e-5 up to its sign.
  std::size_t number_length() const {
    std::size_t length = 1;
    while (length < rest().size() && (goes_on_name(rest()[length]) || is_separator(length))) ++length;
    return length;
  }
  bool is_separator(std::size_t i) const {
    return language_ == Language::c && rest()[i] == '\'' && i + 1 < rest().size() && goes_on_name(rest()[i + 1]);
  }

  std::size_t literal_length() const {
    if (const std::size_t length = raw_length()) return length;
    const std::size_t prefix = prefix_length();
    const char quote = prefix < rest().size() ? rest()[prefix] : '\0';
    if (quote == '"') return prefix + quoted_length(rest().substr(prefix));
    if (quote != '\'') return 0;
    return is_lifetime(rest().substr(prefix)) ? 0 : prefix + quoted_length(rest().substr(prefix));
  }
  // u8"", L'', b"", c"": a prefix touches the quote.
  std::size_t prefix_length() const {
    for (const std::string_view prefix : {"u8", "u", "U", "L", "b", "c"})
      if (ahead(prefix) && prefix.size() < rest().size() &&
          (rest()[prefix.size()] == '"' || rest()[prefix.size()] == '\''))
        return prefix.size();
    return 0;
  }
  // 'a without a closing quote is a lifetime: a punctuation mark and a name.
  bool is_lifetime(std::string_view text) const {
    return language_ == Language::rust && text.size() > 2 && starts_name(text[1]) && text[2] != '\'' &&
           static_cast<unsigned char>(text[1]) < 0x80;
  }
  static std::size_t quoted_length(std::string_view text) {
    for (std::size_t i = 1; i < text.size(); ++i) {
      if (text[i] == '\\') {
        ++i;
      } else if (text[i] == text.front()) {
        return i + 1;
      }
    }
    return text.size();
  }
  // C++ R"x(...)x" and Rust r#"..."#, with their prefixes.
  std::size_t raw_length() const {
    const std::string_view head = rest().substr(0, 24);  // a prefix, and a delimiter of at most 16
    const std::size_t letter = head.find(language_ == Language::c ? 'R' : 'r');
    const std::size_t quote = head.find('"');
    if (letter == std::string_view::npos || letter > 2 || quote == std::string_view::npos || quote < letter) return 0;
    if (head.find_first_not_of("uUL8bcRr#") < quote) return 0;
    const std::string_view hashes = head.substr(letter + 1, quote - letter - 1);
    if (hashes.find_first_not_of('#') != std::string_view::npos) return 0;
    std::string end = "\"" + std::string(hashes);
    if (language_ == Language::c) {
      if (quote != letter + 1) return 0;
      const std::size_t bracket = rest().find('(', quote);
      if (bracket == std::string_view::npos || bracket - quote > 17) return 0;
      end = ")" + std::string(rest().substr(quote + 1, bracket - quote - 1)) + "\"";
    }
    const std::size_t found = rest().find(end, quote + 1);
    return found == std::string_view::npos ? rest().size() : found + end.size();
  }

  const std::string_view source_;
  const Language language_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  bool first_of_line_ = true;
  std::size_t directives_ = 0;
  std::size_t directive_ = 0;  // the one that the scanner is in
};

}  // namespace

std::vector<Token> tokens_of(std::string_view source, Language language) { return Scanner(source, language).run(); }

std::vector<std::size_t> closings(const std::vector<Token>& tokens) {
  std::vector<std::size_t> close(tokens.size(), tokens.size()), open;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    if (token.is("(") || token.is("[") || token.is("{")) open.push_back(i);
    if (open.empty() || !(token.is(")") || token.is("]") || token.is("}"))) continue;
    close[open.back()] = i;
    open.pop_back();
  }
  return close;
}

}  // namespace smgate::lint
