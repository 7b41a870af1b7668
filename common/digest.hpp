// Digests and comparison, by OpenSSL. Any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace smgate {

std::string sha256_hex(std::string_view bytes);                             // 64 lower-case hex digits
std::string hmac_sha256_hex(std::string_view key, std::string_view bytes);  // RFC 2104
// Time depends on the lengths alone.
bool equal_in_constant_time(std::string_view a, std::string_view b);
std::string to_hex(std::string_view bytes);

}  // namespace smgate
