#include <charconv>

#include "runner/exec/supervisor.hpp"

namespace smgate::exec {
namespace {

// Fields end with a NUL, which neither arguments nor variables can hold.
void add(std::string& bytes, std::string_view field) {
  bytes += field;
  bytes += '\0';
}

void add(std::string& bytes, const std::vector<std::string>& list) {
  add(bytes, std::to_string(list.size()));
  for (const std::string& field : list) add(bytes, std::string_view(field));
}

class Fields {
 public:
  explicit Fields(std::string_view bytes) : rest_(bytes) {}

  std::string text() {
    const std::size_t end = rest_.find('\0');
    if (end == std::string_view::npos) {
      ok_ = false;
      return {};
    }
    std::string field(rest_.substr(0, end));
    rest_.remove_prefix(end + 1);
    return field;
  }
  std::int64_t number() {
    const std::string field = text();
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
    if (error != std::errc{} || end != field.data() + field.size()) ok_ = false;
    return value;
  }
  std::vector<std::string> list() {
    std::vector<std::string> fields;
    for (std::int64_t left = number(); left > 0 && ok_; --left) fields.push_back(text());
    return fields;
  }
  bool complete() const { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace

std::string encode(const Specification& specification) {
  std::string bytes;
  add(bytes, std::to_string(specification.parent_pid));
  add(bytes, std::to_string(specification.grace_ms));
  add(bytes, std::to_string(specification.niceness));
  add(bytes, std::to_string(specification.sandboxed));
  add(bytes, std::string_view(specification.folder));
  add(bytes, specification.argv);
  add(bytes, specification.environment);
  return bytes;
}

std::optional<Specification> decode(std::string_view bytes) {
  Fields fields(bytes);
  Specification specification;
  specification.parent_pid = fields.number();
  specification.grace_ms = fields.number();
  specification.niceness = fields.number();
  specification.sandboxed = fields.number();
  specification.folder = fields.text();
  specification.argv = fields.list();
  specification.environment = fields.list();
  if (!fields.complete() || specification.argv.empty()) return std::nullopt;
  return specification;
}

}  // namespace smgate::exec
