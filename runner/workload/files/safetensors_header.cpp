// The header's JSON: a strict reader of the one form that the format allows.
#include "runner/workload/files/safetensors_header.hpp"

#include <algorithm>
#include <limits>
#include <set>

namespace smgate::workload {

namespace {

std::uint64_t dtype_bytes(std::string_view dtype) {
  if (dtype == "F64" || dtype == "I64" || dtype == "U64") return 8;
  if (dtype == "F32" || dtype == "I32" || dtype == "U32") return 4;
  if (dtype == "F16" || dtype == "BF16" || dtype == "I16" || dtype == "U16") return 2;
  return dtype == "BOOL" || dtype == "I8" || dtype == "U8" || dtype == "F8_E4M3" || dtype == "F8_E5M2" ? 1 : 0;
}

// Reads on from a place; the first mistake sticks and later reads give nothing.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool failed() const { return !error_.empty(); }
  const std::string& error() const { return error_; }
  void fail(const std::string& what) {
    if (!failed()) error_ = what + " at byte " + std::to_string(place_);
  }

  bool at_end() {
    skip_space();
    return place_ == text_.size();
  }
  bool accept(char wanted) {
    skip_space();
    if (failed() || place_ == text_.size() || text_[place_] != wanted) return false;
    ++place_;
    return true;
  }
  void expect(char wanted) {
    if (!accept(wanted)) fail(std::string("expected '") + wanted + "'");
  }

  std::string string() {
    expect('"');
    std::string out;
    while (!failed()) {
      if (place_ == text_.size() || static_cast<unsigned char>(text_[place_]) < 0x20) {
        fail("string not closed");
      } else if (text_[place_] == '"') {
        ++place_;
        break;
      } else if (text_[place_] == '\\') {
        escape(out);
      } else {
        out += text_[place_++];
      }
    }
    return out;
  }

  std::uint64_t integer() {
    skip_space();
    std::uint64_t value = 0;
    const std::size_t start = place_;
    while (place_ < text_.size() && text_[place_] >= '0' && text_[place_] <= '9') {
      const auto digit = static_cast<std::uint64_t>(text_[place_] - '0');
      if (value > (std::numeric_limits<std::uint64_t>::max() - digit) / 10) fail("number too large");
      if (failed()) return 0;
      value = value * 10 + digit;
      ++place_;
    }
    if (place_ == start) fail("expected a whole number");
    return value;
  }

  std::vector<std::uint64_t> integers() {
    std::vector<std::uint64_t> values;
    expect('[');
    if (accept(']')) return values;
    do {
      values.push_back(integer());
    } while (accept(','));
    expect(']');
    return values;
  }

 private:
  void skip_space() {
    while (place_ < text_.size() && std::string_view(" \t\r\n").find(text_[place_]) != std::string_view::npos) ++place_;
  }

  // Only what names need; \u outside ASCII has never been seen in one.
  void escape(std::string& out) {
    ++place_;
    const char letter = place_ < text_.size() ? text_[place_++] : '\0';
    const std::string_view plain = "\"\\/";
    if (plain.find(letter) != std::string_view::npos && letter != '\0') {
      out += letter;
    } else if (letter == 'n' || letter == 't' || letter == 'r') {
      out += letter == 'n' ? '\n' : letter == 't' ? '\t' : '\r';
    } else {
      fail("escape not supported");
    }
  }

  std::string_view text_;
  std::size_t place_ = 0;
  std::string error_;
};

void skip_metadata(Scanner& scanner) {
  scanner.expect('{');
  if (scanner.accept('}')) return;
  do {
    scanner.string();
    scanner.expect(':');
    scanner.string();
  } while (scanner.accept(','));
  scanner.expect('}');
}

StoredTensor tensor(Scanner& scanner, std::string name) {
  StoredTensor result{std::move(name), "", {}, 0, 0};
  std::set<std::string> seen;
  scanner.expect('{');
  do {
    const std::string field = scanner.string();
    scanner.expect(':');
    if (!seen.insert(field).second) scanner.fail("field twice: " + field);
    if (field == "dtype") {
      result.dtype = scanner.string();
    } else if (field == "shape") {
      result.shape = scanner.integers();
    } else if (field == "data_offsets") {
      const auto offsets = scanner.integers();
      if (offsets.size() != 2) scanner.fail("data_offsets wants two numbers");
      if (offsets.size() == 2) result.begin = offsets[0], result.end = offsets[1];
    } else {
      scanner.fail("unknown field: " + field);
    }
  } while (scanner.accept(','));
  scanner.expect('}');
  if (seen.size() != 3) scanner.fail("tensor without dtype, shape or data_offsets");
  return result;
}

// Bytes of the shape, or "none" where they cannot be counted.
bool count_bytes(const StoredTensor& tensor, std::uint64_t& bytes) {
  bytes = dtype_bytes(tensor.dtype);
  if (bytes == 0) return false;
  for (const std::uint64_t side : tensor.shape) {
    if (side != 0 && bytes > std::numeric_limits<std::uint64_t>::max() / side) return false;
    bytes *= side;
  }
  return true;
}

// Empty where every tensor fills its place and the places fill the data.
std::string place_error(std::vector<StoredTensor> tensors, std::uint64_t data_bytes) {
  std::sort(tensors.begin(), tensors.end(), [](const StoredTensor& a, const StoredTensor& b) {
    return a.begin < b.begin || (a.begin == b.begin && a.end < b.end);
  });
  std::uint64_t filled = 0;
  for (const StoredTensor& tensor : tensors) {
    std::uint64_t bytes = 0;
    if (!count_bytes(tensor, bytes)) return "tensor " + tensor.name + ": unknown dtype or impossible shape";
    if (tensor.end < tensor.begin || tensor.end > data_bytes) return "tensor " + tensor.name + " lies outside the file";
    if (tensor.begin != filled) return "tensor " + tensor.name + " leaves a hole or overlaps";
    if (tensor.end - tensor.begin != bytes) return "tensor " + tensor.name + ": offsets do not fit its shape";
    filled = tensor.end;
  }
  return filled == data_bytes ? "" : "bytes after the last tensor, or too few";
}

}  // namespace

Outcome<std::vector<StoredTensor>> parse_safetensors_header(std::string_view json, std::uint64_t data_bytes) {
  Scanner scanner(json);
  std::vector<StoredTensor> tensors;
  std::set<std::string> names;
  scanner.expect('{');
  if (!scanner.accept('}')) {
    do {
      const std::string name = scanner.string();
      scanner.expect(':');
      if (!names.insert(name).second) scanner.fail("tensor twice: " + name);
      if (name == "__metadata__") {
        skip_metadata(scanner);
      } else {
        tensors.push_back(tensor(scanner, name));
      }
    } while (!scanner.failed() && scanner.accept(','));
    scanner.expect('}');
  }
  if (!scanner.failed() && !scanner.at_end()) scanner.fail("text after the header");
  if (scanner.failed()) return Failure{"invalid header: " + scanner.error()};
  const std::string misplaced = place_error(tensors, data_bytes);
  if (!misplaced.empty()) return Failure{"invalid header: " + misplaced};
  return tensors;
}

}  // namespace smgate::workload
