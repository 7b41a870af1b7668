// Base 64 (RFC 4648 section 4, padded), by OpenSSL: how log bytes, which may be invalid UTF-8, travel inside JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace smgate {

std::string base64_encode(std::string_view bytes);
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace smgate
