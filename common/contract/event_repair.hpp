// Second chance for a line that strict JSON refuses, where its meaning is plain. Internal to event_parse.
#pragma once

#include <string>
#include <string_view>

namespace smgate::contract {

// Outside strings bare NaN, Infinity and -Infinity become strings of that name; inside strings lone surrogate escapes
// become \ufffd; a float that was printed as a whole number beyond 64 bits gets a fraction; bytes that are not UTF-8
// become U+FFFD. Everything else is left as it is.
std::string repair_json(std::string_view line);

}  // namespace smgate::contract
