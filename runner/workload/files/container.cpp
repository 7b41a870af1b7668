#include "runner/workload/files/container.hpp"

#include <fstream>

namespace smgate::workload {

std::string container_of(std::string_view first, std::uint64_t file_bytes) {
  if (first.substr(0, 4) == "APRN" || first.substr(0, 4) == std::string_view("APR\0", 4)) return "apr";
  if (first.substr(0, 4) == "GGUF") return "gguf";
  if (first.size() < 9 || first[8] != '{') return "unknown";
  std::uint64_t header = 0;
  for (std::size_t i = 8; i-- > 0;) header = header << 8 | static_cast<unsigned char>(first[i]);
  return header >= 2 && header <= file_bytes - 8 ? "safetensors" : "unknown";
}

std::string magic_hex(std::string_view first) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (const char letter : first.substr(0, kMagicBytes)) {
    text += kHex[static_cast<unsigned char>(letter) >> 4];
    text += kHex[static_cast<unsigned char>(letter) & 15];
  }
  return text;
}

std::string first_bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes(kMagicBytes, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  return bytes;
}

}  // namespace smgate::workload
