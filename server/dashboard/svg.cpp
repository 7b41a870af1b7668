#include "server/dashboard/svg.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace smgate::dashboard {
namespace {

constexpr double kWidth = 720, kHeight = 320;
constexpr double kLeft = 64, kRight = 16, kTop = 40, kBottom = 40;
constexpr int kTicks = 5;  // about so many on an axis
constexpr double kFlat = 1e-9;

struct Range {
  double min = 0, max = 1;
  double span() const { return max - min; }
};

struct Axes {
  Range x, y;
  double at_x(double value) const { return kLeft + (value - x.min) / x.span() * (kWidth - kLeft - kRight); }
  double at_y(double value) const { return kTop + (y.max - value) / y.span() * (kHeight - kTop - kBottom); }
};

bool is_drawn(const store::CurvePoint& point) { return point.loss && std::isfinite(*point.loss); }

Axes axes_of(const std::vector<store::CurvePoint>& points) {
  Range x{HUGE_VAL, -HUGE_VAL};
  Range y{HUGE_VAL, -HUGE_VAL};
  for (const store::CurvePoint& point : points) {
    x = {std::min(x.min, static_cast<double>(point.step)), std::max(x.max, static_cast<double>(point.step))};
    if (is_drawn(point)) y = {std::min(y.min, *point.loss), std::max(y.max, *point.loss)};
  }
  if (points.empty()) x = {0, 1};
  if (y.min > y.max) y = {0, 1};
  if (x.span() <= 0) x.max = x.min + 1;
  const double room = std::max(y.span() * 0.05, std::max(std::abs(y.max), 1.0) * kFlat);
  return {x, {y.min - room, y.max + room}};
}

// 1, 2 or 5 times a power of ten.
double tick_step(double span) {
  const double rough = span / kTicks;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (rough <= factor * power) return factor * power;
  return 10 * power;
}

std::string grid(const Axes& axes) {
  std::string svg;
  const double dx = std::max(1.0, tick_step(axes.x.span()));  // steps are whole
  for (double x = std::ceil(axes.x.min / dx) * dx; x <= axes.x.max; x += dx)
    svg += fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="middle">{:.0f}</text>)", axes.at_x(x),
                       kHeight - kBottom + 18, x);
  const double dy = tick_step(axes.y.span());
  for (double y = std::ceil(axes.y.min / dy) * dy; y <= axes.y.max; y += dy)
    svg += fmt::format(
        R"(<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/><text x="{}" y="{:.1f}" text-anchor="end">{:.6g}</text>)",
        kLeft, kWidth - kRight, axes.at_y(y), axes.at_y(y), kLeft - 8, axes.at_y(y) + 4,
        std::abs(y) < dy / 2 ? 0.0 : y);
  return svg;
}

// A line where losses are finite; a mark at the bottom where one is not.
std::string line(const Axes& axes, const std::vector<store::CurvePoint>& points) {
  std::string path;
  std::string marks;
  bool pen_down = false;
  for (const store::CurvePoint& point : points) {
    const double x = axes.at_x(static_cast<double>(point.step));
    if (is_drawn(point))
      path += fmt::format("{}{:.1f} {:.1f}", pen_down ? "L" : "M", x, axes.at_y(*point.loss));
    else
      marks += fmt::format(R"(<circle class="bad" cx="{:.1f}" cy="{:.1f}" r="3"/>)", x, kHeight - kBottom);
    pen_down = is_drawn(point);
  }
  return fmt::format(R"(<path class="line" d="{}"/>{})", path, marks);
}

std::string title(const curves::CurveText& curve) {
  const auto drawn = [](const store::CurvePoint& point) { return is_drawn(point); };
  const auto first = std::find_if(curve.points.begin(), curve.points.end(), drawn);
  const auto last = std::find_if(curve.points.rbegin(), curve.points.rend(), drawn);
  if (first == curve.points.end()) return fmt::format("{}: no loss yet", curve.job.arch.value);
  return fmt::format("{}: loss {:.5g} to {:.5g} in {} steps", curve.job.arch.value, *first->loss, *last->loss,
                     curve.total);
}

constexpr const char* kChartStyle =
    "<style>"
    "svg{background:#fff;font:12px system-ui,sans-serif}text{fill:#475569}.title{font-size:14px;fill:#0f172a}"
    ".grid{stroke:#e2e8f0}.axis{stroke:#94a3b8}.line{fill:none;stroke:#2563eb;stroke-width:1.5}.bad{fill:#dc2626}"
    "@media (prefers-color-scheme:dark){svg{background:#0f172a}text{fill:#94a3b8}.title{fill:#e2e8f0}"
    ".grid{stroke:#1e293b}.axis{stroke:#475569}.line{stroke:#60a5fa}.bad{fill:#f87171}}"
    "</style>";

}  // namespace

std::string draw_curve_chart(const curves::CurveText& curve) {
  const Axes axes = axes_of(curve.points);
  const std::string name = title(curve);
  return fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" role="img" aria-label="{2}"><title>{2}</title>{3})"
      R"(<text class="title" x="{4}" y="24">{2}</text>{5}<line class="axis" x1="{4}" x2="{6}" y1="{7}" y2="{7}"/>)"
      R"(<text x="{6}" y="{8}" text-anchor="end">step</text>{9}</svg>)",
      kWidth, kHeight, name, kChartStyle, kLeft, grid(axes), kWidth - kRight, kHeight - kBottom, kHeight - 6,
      line(axes, curve.points));
}

std::string draw_badge(const std::string& verdict) {
  const char* colour = verdict == "pass" ? "#15803d" : verdict == "fail" ? "#b91c1c" : "#57534e";
  const double left = 56;
  const double right = 16 + 7.0 * static_cast<double>(verdict.size());  // 7 px a letter of 11 px
  return fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" width="{0}" height="20" role="img" aria-label="smgate: {1}">)"
      R"(<title>smgate: {1}</title><rect width="{0}" height="20" rx="3" fill="#334155"/>)"
      R"(<path d="M{2} 0h{3}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-{3}z" fill="{4}"/>)"
      R"(<g fill="#fff" font-family="Verdana,sans-serif" font-size="11" text-anchor="middle">)"
      R"(<text x="{5}" y="14">smgate</text><text x="{6}" y="14">{1}</text></g></svg>)",
      left + right, verdict, left, right - 3, colour, left / 2, left + right / 2);
}

http::Response svg_response(std::string svg) {
  http::Response response;
  response.content_type = "image/svg+xml";
  response.body = std::move(svg);
  // Its own style sheet, and nothing else, where it is opened by itself.
  response.headers.emplace_back("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
  return response;
}

}  // namespace smgate::dashboard
