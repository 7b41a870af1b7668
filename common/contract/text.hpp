// Numbers and bytes as text, the same on every machine. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace smgate::contract {

// Shortest decimal that round-trips (Ryu, through std::to_chars); NaN, Infinity, -Infinity by name.
std::string shortest(double value);
std::string shortest(float value);

// 61.4 GB, 512 B: decimal units, three significant digits.
std::string bytes_for_people(std::uint64_t bytes);

// Every byte that is not part of a valid UTF-8 sequence becomes U+FFFD.
std::string valid_utf8(std::string_view bytes);
bool is_utf8(std::string_view bytes);

// At most bytes_max bytes, cut between code points.
std::string_view cut_utf8(std::string_view text, std::size_t bytes_max);

// "1 key", "22 keys"
std::string count_of(std::uint64_t count, std::string_view noun);

}  // namespace smgate::contract
