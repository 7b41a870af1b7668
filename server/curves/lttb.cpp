#include "server/curves/lttb.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace smgate::curves {
namespace {

using store::CurvePoint;

struct Place {
  double x = 0;
  double y = 0;
};

bool has_place(const CurvePoint& point) { return point.loss && std::isfinite(*point.loss); }

Place place_of(const CurvePoint& point) {
  return {static_cast<double>(point.step), has_place(point) ? *point.loss : 0.0};
}

Place mean_of(const std::vector<CurvePoint>& points) {
  Place sum;
  double count = 0;
  for (const CurvePoint& point : points) {
    if (!has_place(point)) continue;
    const Place place = place_of(point);
    sum.x += place.x;
    sum.y += place.y;
    ++count;
  }
  return count > 0 ? Place{sum.x / count, sum.y / count} : place_of(points.front());
}

double twice_the_area(Place a, Place b, Place c) {
  return std::abs((a.x - c.x) * (b.y - a.y) - (a.x - b.x) * (c.y - a.y));
}

}  // namespace

Lttb::Lttb(std::uint64_t total, std::uint64_t kept) : total_(total), kept_(std::max<std::uint64_t>(kept, 3)) {
  chosen_.reserve(std::min(total_, kept_));
}

// Bucket 0 is the first point, the last is the last one; the others share what is between.
std::uint64_t Lttb::end_of(std::uint64_t bucket) const {
  if (bucket == 0) return 1;
  if (bucket >= kept_ - 1) return total_;
  const double size = static_cast<double>(total_ - 2) / static_cast<double>(kept_ - 2);
  return std::min(total_ - 1, static_cast<std::uint64_t>(static_cast<double>(bucket) * size) + 1);
}

void Lttb::add(const CurvePoint& point) {
  if (total_ <= kept_) {  // there is nothing to leave out
    chosen_.push_back(point);
    return;
  }
  next_.push_back(point);
  ++added_;
  while (added_ >= end_of(bucket_) && bucket_ < kept_) {
    if (!current_.empty()) choose();
    current_ = std::exchange(next_, {});
    ++bucket_;
  }
}

void Lttb::choose() {
  if (chosen_.empty()) {
    chosen_.push_back(current_.front());
    return;
  }
  const Place before = place_of(chosen_.back());
  const Place after = mean_of(next_);
  const CurvePoint* best = nullptr;
  double best_area = -1;
  for (const CurvePoint& point : current_) {
    const double area = has_place(point) ? twice_the_area(before, place_of(point), after) : HUGE_VAL;
    if (area <= best_area) continue;
    best_area = area;
    best = &point;
  }
  chosen_.push_back(*best);
}

std::vector<CurvePoint> Lttb::take() {
  if (!current_.empty()) chosen_.push_back(current_.back());  // the last bucket is the last point
  return std::move(chosen_);
}

}  // namespace smgate::curves
