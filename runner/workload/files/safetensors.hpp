// SafeTensors files (huggingface.co/docs/safetensors): eight bytes of little-endian header length, a JSON header, the
// tensors' bytes without holes. The reader trusts nothing in a file. Any thread; a file is written whole or not at all.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runner/workload/base/outcome.hpp"
#include "runner/workload/files/safetensors_header.hpp"
#include "runner/workload/model/weights.hpp"

namespace smgate::workload {

struct SafeTensorsFile {
  std::vector<StoredTensor> tensors;
  std::string data;
};

// Of a whole file's bytes.
Outcome<SafeTensorsFile> parse_safetensors(std::string_view bytes);
Outcome<SafeTensorsFile> read_safetensors(const std::string& path);

// The values of exactly these tensors, in their order; failure where one lacks, is more, or has another shape or dtype.
Outcome<std::vector<float>> values_of(const SafeTensorsFile& file, const std::vector<TensorInfo>& layout);

std::string safetensors_bytes(const std::vector<TensorInfo>& layout, const std::vector<float>& values);
// Writes beside `path`, then renames. Throws RunFailure where that fails.
void write_file(const std::string& path, std::string_view bytes);

}  // namespace smgate::workload
