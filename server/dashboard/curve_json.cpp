#include "server/dashboard/curve_json.hpp"

#include <charconv>
#include <cmath>
#include <optional>

namespace smgate::dashboard {
namespace {

constexpr std::size_t kBytesAPoint = 96;  // 7 columns of some 13 characters

template <class T>
void put_number(std::string& text, T value) {
  char digits[32];
  const auto written = std::to_chars(digits, digits + sizeof(digits), value);
  text.append(digits, written.ptr);
}

template <class T>
void put_value(std::string& text, const std::optional<T>& value) {
  if (!value) {
    text += "null";
  } else if constexpr (std::is_floating_point_v<T>) {
    if (std::isfinite(*value))
      put_number(text, *value);
    else
      text += std::isnan(*value) ? "\"NaN\"" : *value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  } else {
    put_number(text, *value);
  }
}

template <class Get>
void put_column(std::string& text, const char* name, const std::vector<store::CurvePoint>& points, Get get) {
  text += name;
  char between = '[';
  for (const store::CurvePoint& point : points) {
    text += between;
    between = ',';
    put_value(text, get(point));
  }
  text += points.empty() ? "[]" : "]";
}

}  // namespace

std::string to_text(const CurveText& curve) {
  std::string text;
  text.reserve(512 + curve.points.size() * kBytesAPoint);
  text += R"({"job":")" + curve.job.id.value + R"(","arch":")" + curve.job.arch.value + R"(","attempt":)";
  put_number(text, curve.attempt);
  text += R"(,"first":)";
  put_number(text, curve.first);
  text += R"(,"next":)";
  put_number(text, curve.next);
  text += R"(,"total":)";
  put_number(text, curve.total);
  text += curve.job.state == store::JobState::done ? R"(,"complete":true)" : R"(,"complete":false)";
  const std::vector<store::CurvePoint>& points = curve.points;
  put_column(text, R"(,"points":{"step":)", points, [](const auto& point) { return std::optional(point.step); });
  put_column(text, R"(,"loss":)", points, [](const auto& point) { return point.loss; });
  put_column(text, R"(,"ce":)", points, [](const auto& point) { return point.ce; });
  put_column(text, R"(,"kl":)", points, [](const auto& point) { return point.kl; });
  put_column(text, R"(,"grad_norm":)", points, [](const auto& point) { return point.grad_norm; });
  put_column(text, R"(,"ms":)", points, [](const auto& point) { return point.ms; });
  put_column(text, R"(,"tokens":)", points, [](const auto& point) { return point.tokens; });
  text += "}}";
  return text;
}

}  // namespace smgate::dashboard
