// GGUF (github.com/ggml-org/ggml, docs/gguf.md), versions 2 and 3: magic, version, counts, key-values, tensor infos,
// then the tensors at multiples of an alignment. Read in order through a small buffer.
#include <algorithm>
#include <array>
#include <limits>

#include "runner/workload/files/weights_look.hpp"

namespace smgate::workload {

namespace {

constexpr std::size_t kBuffer = 64U << 10U;
constexpr std::uint64_t kTensorsMax = 200'000;  // the largest known model has some thousands
constexpr std::uint32_t kDimensionsMax = 8;     // the format knows four
constexpr int kNestingMax = 4;                  // of arrays; writers make one
constexpr std::uint64_t kNameMax = 64;          // of keys that mean something here
constexpr std::uint32_t kTypeString = 8, kTypeArray = 9, kTypeUint32 = 4;

// By type of a value; 0: not of a fixed size.
constexpr std::array<std::uint64_t, 13> kValueBytes = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

struct Packing {
  std::uint32_t type;
  std::uint64_t elements, bytes;  // of a block
  Values values;
};
constexpr Packing kPackings[] = {
    {0, 1, 4, Values::f32},         {1, 1, 2, Values::f16},         {2, 32, 18, Values::packed},
    {3, 32, 20, Values::packed},    {6, 32, 22, Values::packed},    {7, 32, 24, Values::packed},
    {8, 32, 34, Values::packed},    {9, 32, 36, Values::packed},    {10, 256, 84, Values::packed},
    {11, 256, 110, Values::packed}, {12, 256, 144, Values::packed}, {13, 256, 176, Values::packed},
    {14, 256, 210, Values::packed}, {15, 256, 292, Values::packed}, {24, 1, 1, Values::none},
    {25, 1, 2, Values::none},       {26, 1, 4, Values::none},       {27, 1, 8, Values::none},
    {28, 1, 8, Values::f64},        {30, 1, 2, Values::bf16}};

const Packing* packing_of(std::uint32_t type) {
  const auto* found =
      std::find_if(std::begin(kPackings), std::end(kPackings), [&](const Packing& p) { return p.type == type; });
  return found == std::end(kPackings) ? nullptr : found;
}

// Reads on from a place; the first mistake sticks and later reads give nothing.
class Cursor {
 public:
  Cursor(std::uint64_t file_bytes, const ReadAt& read) : read_(read), end_(std::min(file_bytes, kLookHeaderBytesMax)) {}

  bool failed() const { return failed_; }
  std::uint64_t place() const { return place_; }
  // It would have gone on, were the limit not ours.
  bool at_limit() const { return failed_ && end_ == kLookHeaderBytesMax; }

  std::uint64_t number(std::size_t bytes) {
    std::uint64_t value = 0;
    if (!fill(bytes)) return 0;
    for (std::size_t i = bytes; i-- > 0;) value = value << 8 | static_cast<unsigned char>(buffer_[at() + i]);
    place_ += bytes;
    return value;
  }
  void skip(std::uint64_t count, std::uint64_t each) {
    if (each != 0 && count > (end_ - place_) / each) failed_ = true;
    if (!failed_) place_ += count * each;
  }
  // The text where it is short; "" for a longer one.
  std::string text() {
    const std::uint64_t length = number(8);
    if (failed_ || length > kNameMax) return skip(length, 1), "";
    std::string text;
    for (std::uint64_t i = 0; i < length && !failed_; ++i) text += static_cast<char>(number(1));
    return text;
  }

 private:
  std::size_t at() const { return static_cast<std::size_t>(place_ - begin_); }

  bool fill(std::size_t bytes) {
    if (failed_ || bytes > end_ - place_) return failed_ = true, false;
    if (place_ >= begin_ && place_ + bytes <= begin_ + buffer_.size()) return true;
    begin_ = place_;
    buffer_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kBuffer, end_ - place_)));
    buffer_.resize(read_(begin_, buffer_.data(), buffer_.size()));
    failed_ = bytes > buffer_.size();
    return !failed_;
  }

  const ReadAt& read_;
  const std::uint64_t end_;
  std::uint64_t place_ = 0, begin_ = 0;
  std::string buffer_;
  bool failed_ = false;
};

// False: no value of the format.
bool skip_value(Cursor& cursor, std::uint32_t type, int depth) {
  if (type == kTypeString) return cursor.text(), !cursor.failed();
  if (type == kTypeArray) {
    const auto inner = static_cast<std::uint32_t>(cursor.number(4));
    const std::uint64_t count = cursor.number(8);
    if (depth >= kNestingMax || inner >= kValueBytes.size()) return false;
    if (kValueBytes[inner] != 0) return cursor.skip(count, kValueBytes[inner]), !cursor.failed();
    for (std::uint64_t i = 0; i < count; ++i)
      if (!skip_value(cursor, inner, depth + 1)) return false;
    return !cursor.failed();
  }
  if (type >= kValueBytes.size()) return false;
  cursor.skip(1, kValueBytes[type]);
  return !cursor.failed();
}

// 0: no alignment of the format.
std::uint64_t read_alignment(Cursor& cursor, std::uint64_t values) {
  std::uint64_t alignment = 32;  // the format's default
  for (std::uint64_t i = 0; i < values; ++i) {
    const std::string key = cursor.text();
    const auto type = static_cast<std::uint32_t>(cursor.number(4));
    if (key == "general.alignment" && type == kTypeUint32)
      alignment = cursor.number(4);
    else if (!skip_value(cursor, type, 0))
      return 0;
  }
  constexpr std::uint64_t kAlignmentMax = 1U << 20U;
  return alignment % 8 == 0 && alignment <= kAlignmentMax ? alignment : 0;
}

// Elements of a tensor; nullopt where they cannot be counted.
std::optional<std::uint64_t> read_elements(Cursor& cursor, std::uint64_t& row) {
  const auto dimensions = static_cast<std::uint32_t>(cursor.number(4));
  if (dimensions > kDimensionsMax) return std::nullopt;
  std::uint64_t elements = 1;
  for (std::uint32_t i = 0; i < dimensions; ++i) {
    const std::uint64_t side = cursor.number(8);
    if (i == 0) row = side;
    if (side != 0 && elements > std::numeric_limits<std::uint64_t>::max() / side) return std::nullopt;
    elements *= side;
  }
  return elements;
}

// Empty: read.
std::string read_info(Cursor& cursor, TensorPlaces& places) {
  cursor.text();
  std::uint64_t row = 1;
  const auto elements = read_elements(cursor, row);
  if (!elements) return "a tensor of an impossible shape";
  const auto type = static_cast<std::uint32_t>(cursor.number(4));
  const std::uint64_t offset = cursor.number(8);
  if (cursor.failed()) return "its list of tensors is cut";
  const Packing* packing = packing_of(type);
  if (packing == nullptr) {
    places.unknown = "tensor type " + std::to_string(type) + " is not known here";
    return "";
  }
  const std::uint64_t blocks = *elements / packing->elements;
  if (row % packing->elements != 0 || blocks > std::numeric_limits<std::uint64_t>::max() / packing->bytes)
    return "a tensor of an impossible shape";
  places.tensors.push_back({offset, blocks * packing->bytes, packing->values});
  return "";
}

// From offsets in the data to places in the file. Empty: every tensor lies in the file, and on no other.
std::string place_all(TensorPlaces& places, std::uint64_t data, std::uint64_t alignment, std::uint64_t file_bytes) {
  std::sort(places.tensors.begin(), places.tensors.end(),
            [](const TensorPlace& a, const TensorPlace& b) { return a.begin < b.begin; });
  std::uint64_t filled = 0;
  for (TensorPlace& tensor : places.tensors) {
    if (tensor.begin % alignment != 0 || tensor.begin < filled) return "tensors overlap, or lie on odd places";
    if (data > file_bytes || tensor.begin > file_bytes - data || tensor.bytes > file_bytes - data - tensor.begin)
      return "a tensor lies outside of the file";
    filled = tensor.begin + tensor.bytes;
    tensor.begin += data;
  }
  return "";
}

}  // namespace

Outcome<TensorPlaces> places_of_gguf(std::uint64_t file_bytes, const ReadAt& read) {
  Cursor cursor(file_bytes, read);
  const std::uint64_t magic = cursor.number(4), version = cursor.number(4);
  const std::uint64_t tensors = cursor.number(8), values = cursor.number(8);
  if (cursor.failed() || magic != 0x46554747) return Failure{"its header is cut"};
  if (version != 2 && version != 3)
    return TensorPlaces{{}, "GGUF version " + std::to_string(version) + " is not read here"};
  if (tensors > kTensorsMax) return Failure{"it announces " + std::to_string(tensors) + " tensors"};
  TensorPlaces places;
  const std::uint64_t alignment = read_alignment(cursor, values);
  std::string wrong = alignment == 0 ? "its key-values are cut or broken" : "";
  for (std::uint64_t i = 0; i < tensors && wrong.empty(); ++i) wrong = read_info(cursor, places);
  if (cursor.at_limit()) return TensorPlaces{{}, "its header is too large to be read here"};
  if (!wrong.empty()) return Failure{wrong};
  if (!places.unknown.empty()) return TensorPlaces{{}, places.unknown};
  const std::uint64_t data = (cursor.place() + alignment - 1) / alignment * alignment;
  if (const std::string misplaced = place_all(places, data, alignment, file_bytes); !misplaced.empty())
    return Failure{misplaced};
  return places;
}

}  // namespace smgate::workload
