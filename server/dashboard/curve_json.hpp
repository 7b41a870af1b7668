// A curve as the API writes it, a list a column, straight into text: curves are the largest answers there are, and a
// tree of values for each would cost more than reading them. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "server/store/curves.hpp"

namespace smgate::dashboard {

struct CurveText {
  store::Job job;
  int attempt = 0;
  std::uint64_t first = 0;
  std::uint64_t next = 0;
  std::uint64_t total = 0;
  std::vector<store::CurvePoint> points;
};
// Null is "the step did not say"; what is not finite is text, as in events. Floats have the digits they came with.
std::string to_text(const CurveText& curve);

}  // namespace smgate::dashboard
