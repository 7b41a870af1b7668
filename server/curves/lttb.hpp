// Down-sampling by largest-triangle-three-buckets (Steinarsson 2013): the first and the last point, and between them,
// of each of equally many points, the one that makes the largest triangle with the one chosen before and the mean of
// those that follow. Points come one after the other, and two buckets of them are held: a million need no memory.
//
// A step without a finite loss has no place in a triangle, and is what one looks for: it is chosen before any other of
// its bucket. Pure; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "server/store/curves.hpp"

namespace smgate::curves {

class Lttb {
 public:
  // Of `total` points that will be added, at least 3 and at most `kept`.
  Lttb(std::uint64_t total, std::uint64_t kept);

  void add(const store::CurvePoint& point);
  std::vector<store::CurvePoint> take();  // after the last

 private:
  std::uint64_t end_of(std::uint64_t bucket) const;  // number of the point behind its last
  void choose();                                     // from current_, now that next_ is whole

  std::uint64_t total_;
  std::uint64_t kept_;
  std::uint64_t added_ = 0;
  std::uint64_t bucket_ = 0;  // which next_ is
  std::vector<store::CurvePoint> current_;
  std::vector<store::CurvePoint> next_;
  std::vector<store::CurvePoint> chosen_;
};

}  // namespace smgate::curves
