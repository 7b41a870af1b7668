// A curve as the API writes it, a list a column, straight into text: curves are the largest answers there are, and a
// tree of values for each would cost more than reading them. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/store/curves.hpp"

namespace smgate::curves {

struct CurveText {
  store::Job job;
  int attempt = 0;
  std::uint64_t first = 0;
  std::uint64_t next = 0;
  std::uint64_t total = 0;
  std::vector<store::CurvePoint> points;
};
std::string to_text(const CurveText& curve);
// Its points alone. Null is "the step did not say"; what is not finite is text, as in events. Numbers have the digits
// they came with.
std::string points_text(const std::vector<store::CurvePoint>& points);
// The whole, where the text of its points is there already.
std::string to_text(const CurveText& curve, std::string_view points);

}  // namespace smgate::curves
