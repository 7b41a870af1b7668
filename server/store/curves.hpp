// Loss curves, packed: up to kPointsPerChunk points a row, so that a million points are 500 rows. Live appends are
// merged into the last chunk until it is full. Bytes are little-endian on every machine.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/store/jobs.hpp"
#include "server/store/tx.hpp"

namespace smgate::store {

inline constexpr std::size_t kPointsPerChunk = 2048;  // 84 KB: what a live append rewrites at most

struct CurvePoint {
  std::int64_t step = 0;
  std::optional<double> loss;  // absent where the event had none; may be NaN or infinite
  std::optional<float> ce;
  std::optional<float> kl;
  std::optional<float> grad_norm;
  std::optional<float> ms;
  std::optional<std::int64_t> tokens;
  bool operator==(const CurvePoint&) const = default;
};

std::string pack_points(const std::vector<CurvePoint>& points);
std::vector<CurvePoint> unpack_points(std::string_view bytes);

void append_points(Tx& tx, const JobId& job, int attempt, const std::vector<CurvePoint>& points);
// In the order they came, from point number `first` (0 is the first stored) on. attempt 0: the newest.
std::vector<CurvePoint> read_curve(ReadTx& tx, const Job& job, int attempt, std::uint64_t first, std::size_t count_max);
// How many points are stored; attempt 0: of the newest.
std::uint64_t count_points(ReadTx& tx, const Job& job, int attempt);
// Numbers of points, the last one excluded.
struct PointRange {
  std::uint64_t first = 0;
  std::uint64_t end = 0;
};
// Those whose step is one of these; steps ascend, as a run counts them.
PointRange find_points(ReadTx& tx, const Job& job, int attempt, std::int64_t step_min, std::int64_t step_max);
// Without holding more than a chunk.
void for_each_point(ReadTx& tx, const Job& job, int attempt, PointRange range,
                    const std::function<void(const CurvePoint&)>& visit);

}  // namespace smgate::store
