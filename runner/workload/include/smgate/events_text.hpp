// What events.hpp is made of: JSON text, hashes, first bytes of files, a lock. Used by events.hpp alone, and copied
// with it. Pure but for what says so; any thread.
#pragma once

#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>

namespace smgate::events {

using Text = std::string_view;

// Longest texts that the schema takes; what is longer is cut where a character ends.
inline constexpr std::size_t kTextBytesMax = 65536;
inline constexpr std::size_t kNameBytesMax = 4096;

namespace detail {

// Bytes of the well-formed UTF-8 sequence at the front of `text`, 0 where there is none (RFC 3629).
inline std::size_t utf8_length(Text text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  if (first == 0xE0 && byte(1) < 0xA0) return 0;                     // overlong
  if (first == 0xED && byte(1) > 0x9F) return 0;                     // surrogate
  if (first == 0xF0 && byte(1) < 0x90) return 0;                     // overlong
  return first == 0xF4 && byte(1) > 0x8F ? std::size_t{0} : length;  // beyond U+10FFFF
}

inline void append_escaped(std::string& out, char character) {
  constexpr Text kNamed = "\"\\\n\r\t", kNames = "\"\\nrt";
  constexpr char kHex[] = "0123456789abcdef";
  const std::size_t named = kNamed.find(character);
  const auto code = static_cast<unsigned char>(character);
  if (named != Text::npos) {
    (out += '\\') += kNames[named];
  } else if (code < 0x20) {
    ((out += "\\u00") += kHex[code >> 4]) += kHex[code & 15];
  } else {
    out += character;
  }
}

inline constexpr std::uint64_t kHashStart = 0xcbf29ce484222325u;

inline void hash_on(std::uint64_t& hash, Text bytes) {  // FNV-1a
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3u;
}

inline std::string hex_of(std::uint64_t value) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(value));
  return digits;
}

// By the first bytes, whatever the name says; "" where there is no such file. The gate knows these containers.
inline const char* container_of(const std::string& path, std::uint64_t& file_bytes) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  file_bytes = file ? static_cast<std::uint64_t>(file.tellg()) : 0;
  if (!file) return "";
  unsigned char first[9] = {};
  file.seekg(0).read(reinterpret_cast<char*>(first), sizeof first);
  if (std::memcmp(first, "APR", 3) == 0 && (first[3] == 0 || first[3] == 'N')) return "apr";
  if (std::memcmp(first, "GGUF", 4) == 0) return "gguf";
  std::uint64_t header = 0;
  for (std::size_t i = 8; i-- > 0;) header = header << 8 | first[i];
  return first[8] == '{' && header >= 2 && header <= file_bytes - 8 ? "safetensors" : "unknown";
}

// Held by a process, not only by a thread: a child that was forked while another thread held it may take it over.
class ForkSafeLock {
 public:
  void lock() {
    const auto self = static_cast<long>(::getpid());
    for (long holder = 0; !holder_.compare_exchange_weak(holder, self, std::memory_order_acquire);) {
      if (holder == self) ::sched_yield();
      if (holder == self) holder = 0;  // else: free, or held by a process that this one is a copy of
    }
  }
  void unlock() { holder_.store(0, std::memory_order_release); }

 private:
  std::atomic<long> holder_{0};
};

}  // namespace detail

// A JSON string with its quotes. Bytes that are not UTF-8 become '?', for a compiler's log may hold anything.
inline std::string json_text(Text text, std::size_t bytes_max = kTextBytesMax) {
  std::string out = "\"";
  for (std::size_t taken = 0, step = 0; !text.empty(); taken += step, text.remove_prefix(step)) {
    const std::size_t length = detail::utf8_length(text);
    step = length == 0 ? 1 : length;
    if (taken + step > bytes_max) break;
    if (length == 1) {
      detail::append_escaped(out, text.front());
    } else {
      out += length == 0 ? "?" : text.substr(0, length);
    }
  }
  return out + "\"";
}

// The shortest decimal that reads back as the same double; the schema's words for what JSON has no number for.
// A float by its own: 1e-06, not 9.999999974752427e-07.
template <class Float>
std::string json_real(Float value) {
  if (std::isnan(value)) return "\"NaN\"";
  if (std::isinf(value)) return value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  char digits[32];
  return std::string(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

}  // namespace smgate::events
