// SHA-256 (FIPS 180-4). Here because this folder builds alone, on machines without a cryptography library; it names
// kernel bodies, modules and tensors, and guards nothing. Pure; any thread, one Sha256 a thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace smgate::workload {

class Sha256 {
 public:
  Sha256();
  void update(const void* data, std::size_t bytes);
  void update(std::string_view text) { update(text.data(), text.size()); }
  // 64 lower-case hex digits; nothing may be added afterwards.
  std::string hex();

 private:
  void compress(const unsigned char* blocks, std::size_t count);

  std::array<std::uint32_t, 8> state_;
  std::array<unsigned char, 64> pending_{};
  std::uint64_t bytes_ = 0;
};

std::string sha256_hex(std::string_view data);

}  // namespace smgate::workload
