// Pictures: a badge, and a curve that takes the colours of its reader, light or dark. Pure; any thread.
#pragma once

#include <string>

#include "server/curves/curve_text.hpp"
#include "server/http/message.hpp"

namespace smgate::dashboard {

std::string draw_badge(const std::string& verdict);  // pass, fail, inconclusive, unknown
std::string draw_curve_chart(const curves::CurveText& curve);

http::Response svg_response(std::string svg);

}  // namespace smgate::dashboard
