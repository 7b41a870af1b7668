#include "server/reporter/text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace smgate::reporter {
namespace {

constexpr std::string_view kFence = "```";

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

bool has_open_fence(std::string_view text) {
  bool open = false;
  for (std::size_t at = text.find(kFence); at != std::string_view::npos; at = text.find(kFence, at + kFence.size()))
    open = !open;
  return open;
}

}  // namespace

std::string_view cut_utf8(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t end = bytes_max;
  while (end > 0 && is_continuation(text[end])) --end;
  return text.substr(0, end);
}

std::string fit(std::string text, std::size_t bytes_max, std::string_view rest) {
  if (text.size() <= bytes_max) return text;
  const std::string closing = "\n" + std::string(kFence) + "\n";
  const std::size_t room = bytes_max - std::min(bytes_max, rest.size() + closing.size());
  std::string_view kept = cut_utf8(text, room);
  if (const std::size_t line = kept.rfind('\n'); line != std::string_view::npos && line > room / 2)
    kept = kept.substr(0, line + 1);
  const std::string fence = has_open_fence(kept) ? closing : "";
  return std::string(kept) + fence + std::string(rest);
}

std::string plain(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      safe += ' ';
    else if (c == '<')
      safe += "&lt;";
    else if (c == '&')
      safe += "&amp;";
    else if (c == '@')
      safe += "&#64;";
    else if (std::string_view("\\`*_[]|#~!").find(c) != std::string_view::npos)
      (safe += '\\') += c;
    else
      safe += c;
  }
  return safe;
}

std::string sparkline(const std::vector<store::CurvePoint>& points, std::size_t width) {
  constexpr std::array<const char*, 8> kBars = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::vector<double> values;
  const std::size_t count = std::min(width, points.size());
  for (std::size_t i = 0; i < count; ++i)
    values.push_back(
        points[(i + 1) * points.size() / count - 1].loss.value_or(std::numeric_limits<double>::quiet_NaN()));
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const double value : values)
    if (std::isfinite(value)) low = std::min(low, value), high = std::max(high, value);
  std::string line;
  for (const double value : values) {
    if (!std::isfinite(value)) {
      line += 'x';
      continue;
    }
    const double share = high > low ? (value - low) / (high - low) : 0;
    line += kBars.at(static_cast<std::size_t>(std::lround(share * static_cast<double>(kBars.size() - 1))));
  }
  return line;
}

}  // namespace smgate::reporter
