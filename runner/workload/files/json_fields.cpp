#include "runner/workload/files/json_fields.hpp"

#include <algorithm>

namespace smgate::workload {

namespace {

constexpr int kDepthMax = 32;  // configurations are three deep; a file that is not must not take the stack

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool at_end() {
    skip_space();
    return place_ == text_.size();
  }
  std::size_t place() const { return place_; }
  bool accept(char wanted) {
    skip_space();
    if (place_ == text_.size() || text_[place_] != wanted) return false;
    ++place_;
    return true;
  }

  // The text of the value here; empty: there is none.
  std::string_view value(int depth = 0) {
    skip_space();
    const std::size_t start = place_;
    const bool whole = place_ < text_.size() && depth < kDepthMax && skip_value(depth);
    return whole ? text_.substr(start, place_ - start) : std::string_view();
  }

 private:
  void skip_space() {
    while (place_ < text_.size() && std::string_view(" \t\r\n").find(text_[place_]) != std::string_view::npos) ++place_;
  }

  bool skip_value(int depth) {
    switch (text_[place_]) {
      case '"':
        return skip_string();
      case '{':
        return skip_list('}', true, depth);
      case '[':
        return skip_list(']', false, depth);
      default:
        break;
    }
    const std::size_t end =
        std::min(text_.find_first_not_of("0123456789+-.eEabcdefghijklmnopqrstuvwxyzNaI", place_), text_.size());
    const bool some = end > place_;
    place_ = end;
    return some;
  }

  bool skip_string() {
    for (++place_; place_ < text_.size(); ++place_) {
      if (text_[place_] == '\\') {
        ++place_;
      } else if (text_[place_] == '"') {
        ++place_;
        return true;
      }
    }
    place_ = std::min(place_, text_.size());
    return false;
  }

  bool skip_list(char close, bool named, int depth) {
    ++place_;
    if (accept(close)) return true;
    do {
      if (named && (value(depth + 1).substr(0, 1) != "\"" || !accept(':'))) return false;
      if (value(depth + 1).empty()) return false;
    } while (accept(','));
    return accept(close);
  }

  std::string_view text_;
  std::size_t place_ = 0;
};

}  // namespace

std::optional<std::string> json_string(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::nullopt;
  std::string out;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
      if (text[i] != '"' && text[i] != '\\' && text[i] != '/') return std::nullopt;
    }
    out += text[i];
  }
  return out;
}

Outcome<std::map<std::string, std::string>> json_fields(std::string_view text) {
  Scanner scanner(text);
  std::map<std::string, std::string> fields;
  const auto wrong = [&] { return Failure{"not a JSON object, at byte " + std::to_string(scanner.place())}; };
  if (!scanner.accept('{')) return wrong();
  if (!scanner.accept('}')) {
    do {
      const auto name = json_string(scanner.value());
      if (!name || !scanner.accept(':')) return wrong();
      const std::string_view value = scanner.value();
      if (value.empty()) return wrong();
      if (!fields.emplace(*name, value).second) return Failure{"field twice: " + *name};
    } while (scanner.accept(','));
    if (!scanner.accept('}')) return wrong();
  }
  if (!scanner.at_end()) return wrong();
  return fields;
}

}  // namespace smgate::workload
