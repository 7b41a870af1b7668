#include "server/curves/curve_text.hpp"

#include <spdlog/fmt/compile.h>
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>

namespace smgate::curves {
namespace {

constexpr std::size_t kNamesBytes = 128;     // of the columns
constexpr std::size_t kPointBytes = 72;      // 7 columns of some 10 characters
constexpr std::size_t kNumberBytesMax = 26;  // -2.2250738585072014e-308 and a comma

// The shortest text that reads back as the same number. fmt writes it in two thirds of the time that libstdc++ takes.
template <class T>
char* put_number(char* at, T value) {
  return fmt::format_to(at, FMT_COMPILE("{}"), value);
}

char* put_text(char* at, std::string_view text) { return std::copy(text.begin(), text.end(), at); }

template <class T>
char* put_value(char* at, const std::optional<T>& value) {
  if (!value) return put_text(at, "null");
  if constexpr (std::is_floating_point_v<T>)
    if (!std::isfinite(*value))
      return put_text(at, std::isnan(*value) ? "\"NaN\"" : *value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
  return put_number(at, *value);
}

// `scratch` has room for a number a point.
template <class Get>
void put_column(std::string& text, std::string& scratch, std::string_view name,
                const std::vector<store::CurvePoint>& points, Get get) {
  char* at = scratch.data();
  for (const store::CurvePoint& point : points) {
    *at++ = ',';
    at = put_value(at, get(point));
  }
  const std::string_view numbers(scratch.data(), static_cast<std::size_t>(at - scratch.data()));
  text.append(name).append(numbers.substr(std::min<std::size_t>(1, numbers.size()))).append("]");
}

}  // namespace

std::string points_text(const std::vector<store::CurvePoint>& points) {
  std::string text;
  text.reserve(kNamesBytes + points.size() * kPointBytes);
  std::string scratch(points.size() * kNumberBytesMax, '\0');
  const auto put = [&](std::string_view name, auto get) { put_column(text, scratch, name, points, get); };
  put(R"({"step":[)", [](const auto& point) { return std::optional(point.step); });
  put(R"(,"loss":[)", [](const auto& point) { return point.loss; });
  put(R"(,"ce":[)", [](const auto& point) { return point.ce; });
  put(R"(,"kl":[)", [](const auto& point) { return point.kl; });
  put(R"(,"grad_norm":[)", [](const auto& point) { return point.grad_norm; });
  put(R"(,"ms":[)", [](const auto& point) { return point.ms; });
  put(R"(,"tokens":[)", [](const auto& point) { return point.tokens; });
  text += "}";
  return text;
}

std::string to_text(const CurveText& curve, std::string_view points) {
  std::string text =
      fmt::format(R"({{"job":"{}","arch":"{}","attempt":{},"first":{},"next":{},"total":{},"complete":{},"points":)",
                  curve.job.id.value, curve.job.arch.value, curve.attempt, curve.first, curve.next, curve.total,
                  curve.job.state == store::JobState::done);
  text.reserve(text.size() + points.size() + 2);  // and what its asker puts behind
  text.append(points).append("}");
  return text;
}

std::string to_text(const CurveText& curve) { return to_text(curve, points_text(curve.points)); }

}  // namespace smgate::curves
