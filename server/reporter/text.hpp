// Text for a check's output: strangers' words made harmless, cut to what GitHub takes. Pure; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "server/store/curves.hpp"

namespace smgate::reporter {

inline constexpr std::size_t kOutputBytesMax = 65'535;  // of summary and of text; GitHub refuses the check beyond

// Whole characters only, at most `bytes_max` bytes.
std::string_view cut_utf8(std::string_view text, std::size_t bytes_max);

// Cut as above at the end of a line, with `rest` appended where something was cut; a code fence that the cut left open
// is closed. The result, all that included, has at most `bytes_max` bytes.
std::string fit(std::string text, std::size_t bytes_max, std::string_view rest);

// Kernel keys, error texts and names come from the code under test: no markup, no mention, one line.
std::string plain(std::string_view text);

// The loss as a row of bars, at most `width` of them; the last value of each is shown, x where it is not finite.
std::string sparkline(const std::vector<store::CurvePoint>& points, std::size_t width);

}  // namespace smgate::reporter
