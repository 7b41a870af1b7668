// What a file of weights shows by itself: its container, whether it is whole, whether its values are finite. Read in
// blocks, however large it is; nothing in it is trusted. Pure but for `read`; any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "runner/workload/base/outcome.hpp"

namespace smgate::workload {

struct WeightsLook {
  std::string container;              // as container_of
  std::optional<bool> whole, finite;  // absent: not known, and `text` says why
  std::optional<std::uint64_t> tensors;
  std::string text;
};

// Reads up to `count` bytes from `offset` on; how many it read: fewer at the file's end, or where reading fails.
using ReadAt = std::function<std::size_t(std::uint64_t offset, char* into, std::size_t count)>;

// `stop` is asked between blocks: a checkpoint may be larger than the time that is left.
WeightsLook look_at_weights(std::uint64_t file_bytes, const ReadAt& read, const std::function<bool()>& stop);

// --- what the readers of headers share

// A header of 100,000 tensors is 12 MB, a tokenizer in a GGUF file 10 MB. What is larger is not read.
inline constexpr std::uint64_t kLookHeaderBytesMax = 64U << 20U;

enum class Values { none, f8_e4m3, f8_e5m2, f16, bf16, f32, f64, packed };  // none: whole numbers; packed: quantised

struct TensorPlace {
  std::uint64_t begin = 0, bytes = 0;  // in the file
  Values values = Values::none;
};
struct TensorPlaces {
  std::vector<TensorPlace> tensors;
  std::string unknown;  // why it is not known whether the file is whole; empty: it is
};

// Failure: the file is not whole, or no GGUF.
Outcome<TensorPlaces> places_of_gguf(std::uint64_t file_bytes, const ReadAt& read);

}  // namespace smgate::workload
