#include <spdlog/fmt/fmt.h>

#include <cmath>

#include "common/contract/event.hpp"
#include "common/contract/event_fields.hpp"
#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

void append_quoted(std::string& line, std::string_view bytes) {
  line += '"';
  for (const char c : valid_utf8(bytes)) {
    switch (c) {
      case '"':
        line += "\\\"";
        break;
      case '\\':
        line += "\\\\";
        break;
      case '\n':
        line += "\\n";
        break;
      case '\t':
        line += "\\t";
        break;
      case '\r':
        line += "\\r";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20)
          line += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
        else
          line += c;
    }
  }
  line += '"';
}

// Appends the fields that event_fields.hpp names; absent ones leave nothing.
class FieldWriter {
 public:
  explicit FieldWriter(std::string& line) : line_(line) {}

  void operator()(std::string_view name, const std::string& value, TextRule rule) {
    if (value.empty() && rule.need == Need::optional) return;
    begin(name);
    append_quoted(line_, cut_utf8(value, rule.bytes_max));
  }
  void operator()(std::string_view name, const std::string& value, RawObject) {
    if (value.empty()) return;
    begin(name);
    line_ += value;
  }
  template <class Rule>
  void operator()(std::string_view name, const std::string& value, Rule) {
    (*this)(name, value, kText);
  }
  void operator()(std::string_view name, bool value) { begin(name), line_ += value ? "true" : "false"; }
  void operator()(std::string_view name, std::uint64_t value) { begin(name), line_ += std::to_string(value); }
  void operator()(std::string_view name, const std::optional<bool>& value) {
    if (value) (*this)(name, *value);
  }
  void operator()(std::string_view name, const std::optional<std::uint64_t>& value) {
    if (value) (*this)(name, *value);
  }
  void operator()(std::string_view name, const std::optional<double>& value, Need = Need::optional) {
    if (!value) return;
    begin(name);
    if (std::isfinite(*value))
      line_ += shortest(*value);
    else
      line_.append("\"").append(shortest(*value)).append("\"");
  }
  void operator()(std::string_view name, const std::vector<std::string>& values) {
    write_list(name, values, [this](const std::string& value) { append_quoted(line_, value); });
  }
  void operator()(std::string_view name, const std::vector<std::int64_t>& values) {
    write_list(name, values, [this](std::int64_t value) { line_ += std::to_string(value); });
  }
  void operator()(std::string_view name, const std::optional<BatchSummary>& summary) {
    if (!summary) return;
    begin(name);
    line_ += '{';
    FieldWriter nested(line_);
    fields(nested, *summary);
    line_ += '}';
  }

 private:
  void begin(std::string_view name) {
    if (!line_.ends_with('{')) line_ += ',';
    line_.append("\"").append(name).append("\":");
  }
  template <class T, class Append>
  void write_list(std::string_view name, const std::vector<T>& values, Append append) {
    if (values.empty()) return;
    begin(name);
    line_ += '[';
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i > 0) line_ += ',';
      append(values[i]);
    }
    line_ += ']';
  }

  std::string& line_;
};

}  // namespace

std::string to_json_line(const Event& event) {
  std::string line = fmt::format("{{\"ev\":\"{}\",\"seq\":{},\"t_ns\":{},\"pid\":{},\"rank\":{},\"source\":\"{}\"",
                                 kEventNames[event.body.index()], event.seq, event.t_ns, event.pid, event.rank,
                                 to_string(event.source));
  FieldWriter writer(line);
  std::visit([&](const auto& body) { fields(writer, body); }, event.body);
  line += '}';
  return line;
}

}  // namespace smgate::contract
