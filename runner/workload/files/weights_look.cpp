#include "runner/workload/files/weights_look.hpp"

#include <algorithm>
#include <cstring>

#include "runner/workload/files/container.hpp"
#include "runner/workload/files/safetensors_header.hpp"

namespace smgate::workload {

namespace {

constexpr std::size_t kBlock = 1U << 20U;

std::uint64_t little_endian_64(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 8; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

Values values_of_dtype(std::string_view dtype) {
  if (dtype == "F64") return Values::f64;
  if (dtype == "F32") return Values::f32;
  if (dtype == "F16") return Values::f16;
  if (dtype == "BF16") return Values::bf16;
  if (dtype == "F8_E4M3") return Values::f8_e4m3;
  return dtype == "F8_E5M2" ? Values::f8_e5m2 : Values::none;
}

// Whether no value has all bits of `exponent`, which infinities and NaN have.
template <class Word>
bool all_finite(std::string_view bytes, Word exponent) {
  bool odd = false;
  for (std::size_t at = 0; at + sizeof(Word) <= bytes.size(); at += sizeof(Word)) {
    Word word;
    std::memcpy(&word, bytes.data() + at, sizeof(Word));
    odd |= (word & exponent) == exponent;
  }
  return !odd;
}

bool block_is_finite(std::string_view bytes, Values values) {
  switch (values) {
    case Values::f8_e4m3:
      return all_finite<std::uint8_t>(bytes, 0x7f);  // it has NaN, and no infinity
    case Values::f8_e5m2:
      return all_finite<std::uint8_t>(bytes, 0x7c);
    case Values::f16:
      return all_finite<std::uint16_t>(bytes, 0x7c00);
    case Values::bf16:
      return all_finite<std::uint16_t>(bytes, 0x7f80);
    case Values::f32:
      return all_finite<std::uint32_t>(bytes, 0x7f800000);
    case Values::f64:
      return all_finite<std::uint64_t>(bytes, 0x7ff0000000000000);
    case Values::none:
    case Values::packed:
      break;
  }
  return true;
}

// Failure: the file is not whole.
Outcome<TensorPlaces> places_of_safetensors(std::uint64_t file_bytes, std::string_view first, const ReadAt& read) {
  const std::uint64_t length = little_endian_64(first);
  if (length > file_bytes - 8)
    return Failure{"its header wants " + std::to_string(length) + " bytes, and " + std::to_string(file_bytes - 8) +
                   " follow"};
  if (length > kLookHeaderBytesMax)
    return TensorPlaces{{}, "its header has " + std::to_string(length) + " bytes, too many to be read here"};
  std::string header(length, '\0');
  if (read(8, header.data(), header.size()) != header.size()) return Failure{"its header cannot be read"};
  const auto stored = parse_safetensors_header(header, file_bytes - 8 - length);
  if (!stored) return Failure{stored.error()};
  TensorPlaces places;
  for (const StoredTensor& tensor : stored.value())
    places.tensors.push_back({8 + length + tensor.begin, tensor.end - tensor.begin, values_of_dtype(tensor.dtype)});
  return places;
}

class Look {
 public:
  Look(std::uint64_t file_bytes, const ReadAt& read, const std::function<bool()>& stop)
      : file_bytes_(file_bytes), read_(read), stop_(stop) {}

  WeightsLook run() {
    std::string first(kMagicBytes, '\0');
    first.resize(read_(0, first.data(), first.size()));
    seen_.container = container_of(first, file_bytes_);
    if (seen_.container == "unknown" && is_cut_safetensors(first)) seen_.container = "safetensors";
    if (seen_.container == "safetensors") judge(places_of_safetensors(file_bytes_, first, read_));
    if (seen_.container == "gguf") judge(places_of_gguf(file_bytes_, read_));
    // Its versions lay their sections out differently, under one magic.
    if (seen_.container == "apr") seen_.text = "of APR its magic alone is read here";
    return seen_;
  }

 private:
  // A header that announces more than there is; the reference reader's cap tells it from chance.
  static bool is_cut_safetensors(std::string_view first) {
    return first.size() > 8 && first[8] == '{' && little_endian_64(first) <= kHeaderBytesMax;
  }

  void judge(const Outcome<TensorPlaces>& places) {
    if (!places) {
      seen_.whole = false;
      seen_.text = places.error();
      return;
    }
    seen_.text = places.value().unknown;
    if (!seen_.text.empty()) return;
    seen_.whole = true;
    seen_.tensors = places.value().tensors.size();
    bool known = true;
    for (const TensorPlace& tensor : places.value().tensors) {
      if (tensor.values == Values::none) continue;
      if (tensor.values != Values::packed && !read_tensor(tensor)) return;
      known = known && tensor.values != Values::packed;
    }
    if (known)
      seen_.finite = true;
    else
      seen_.text = "whether quantised values are finite is not read here";
  }

  // False: it is known what there is to know.
  bool read_tensor(const TensorPlace& tensor) {
    block_.resize(kBlock);
    for (std::uint64_t done = 0; done < tensor.bytes;) {
      if (stop_()) {
        seen_.text = "it was not read to its end";
        return false;
      }
      const std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, tensor.bytes - done));
      if (read_(tensor.begin + done, block_.data(), count) != count) {
        seen_.whole = false;
        seen_.text = "it cannot be read to its end";
        return false;
      }
      if (!block_is_finite(std::string_view(block_).substr(0, count), tensor.values)) {
        seen_.finite = false;
        return false;
      }
      done += count;
    }
    return true;
  }

  const std::uint64_t file_bytes_;
  const ReadAt& read_;
  const std::function<bool()>& stop_;
  WeightsLook seen_;
  std::string block_;
};

}  // namespace

WeightsLook look_at_weights(std::uint64_t file_bytes, const ReadAt& read, const std::function<bool()>& stop) {
  return Look(file_bytes, read, stop).run();
}

}  // namespace smgate::workload
