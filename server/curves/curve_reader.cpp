#include "server/curves/curve_reader.hpp"

#include <algorithm>
#include <utility>

#include "server/curves/lttb.hpp"

namespace smgate::curves {

CurveText read_range(store::ReadTx& tx, const store::Job& job, int attempt, std::uint64_t first,
                     std::size_t count_max) {
  const std::uint64_t total = store::count_points(tx, job, attempt);
  CurveText curve{job, attempt == 0 ? job.attempt : attempt, first, first, total, {}};
  curve.points = store::read_curve(tx, job, attempt, first, std::min(count_max, total - std::min(first, total)));
  curve.next = first + curve.points.size();
  return curve;
}

CurveText read_sampled(store::ReadTx& tx, const store::Job& job, int attempt, std::uint64_t points_max,
                       const Steps& steps) {
  const std::uint64_t total = store::count_points(tx, job, attempt);
  const store::PointRange range =
      steps == Steps{} ? store::PointRange{0, total} : store::find_points(tx, job, attempt, steps.from, steps.to);
  Lttb sampler(range.end - range.first, points_max);
  store::for_each_point(tx, job, attempt, range, [&sampler](const store::CurvePoint& point) { sampler.add(point); });
  return {job, attempt == 0 ? job.attempt : attempt, range.first, range.end, total, sampler.take()};
}

}  // namespace smgate::curves
