// The header of a SafeTensors file (huggingface.co/docs/safetensors): eight bytes of little-endian length, then JSON.
// Nothing in it is trusted. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runner/workload/base/outcome.hpp"

namespace smgate::workload {

// The reference reader's own cap on a header.
inline constexpr std::uint64_t kHeaderBytesMax = 100'000'000;

struct StoredTensor {
  std::string name;
  std::string dtype;
  std::vector<std::uint64_t> shape;
  std::uint64_t begin;  // in the data after the header
  std::uint64_t end;
};

// Of the header's JSON; `data_bytes` follow it. Failure says what is wrong.
Outcome<std::vector<StoredTensor>> parse_safetensors_header(std::string_view json, std::uint64_t data_bytes);

}  // namespace smgate::workload
