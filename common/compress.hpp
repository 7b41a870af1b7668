// zstd frames for rows that hold logs, events and payloads. Any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/result.hpp"

namespace smgate {

std::string zstd_compress(std::string_view bytes);
// Refuses a frame that would unpack to more than max_bytes, or does not say its size.
Result<std::string> zstd_decompress(std::string_view frame, std::size_t max_bytes);

}  // namespace smgate
