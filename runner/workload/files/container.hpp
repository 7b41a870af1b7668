// Tells containers of weights apart by their first bytes. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace smgate::workload {

// "safetensors", "apr", "gguf" or "unknown", of a file's first bytes and its size.
std::string container_of(std::string_view first_bytes, std::uint64_t file_bytes);
// First bytes as hex, for people.
std::string magic_hex(std::string_view first_bytes);

inline constexpr std::size_t kMagicBytes = 16;

// The first kMagicBytes bytes of a file; less where it is shorter or cannot be read.
std::string first_bytes_of(const std::string& path);

}  // namespace smgate::workload
