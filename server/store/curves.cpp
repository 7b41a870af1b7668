#include "server/store/curves.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <span>

namespace smgate::store {
namespace {

// A packed point: flags (1), step (8), loss (8), ce, kl, grad_norm, ms (4 each), tokens (8). Little-endian.
constexpr std::size_t kPointBytes = 1 + 8 + 8 + 4 * 4 + 8;

template <class T>
void put(std::string& bytes, T value) {
  const std::uint64_t wide = value;
  for (std::size_t i = 0; i < sizeof(T); ++i) bytes.push_back(static_cast<char>(wide >> (8 * i) & 0xFFU));
}

template <class T>
T take(std::string_view& bytes) {
  std::uint64_t wide = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) wide |= std::uint64_t{static_cast<std::uint8_t>(bytes[i])} << (8 * i);
  bytes.remove_prefix(sizeof(T));
  return static_cast<T>(wide);
}

void pack(std::string& bytes, const CurvePoint& point) {
  const std::array<bool, 6> present = {point.loss.has_value(),      point.ce.has_value(), point.kl.has_value(),
                                       point.grad_norm.has_value(), point.ms.has_value(), point.tokens.has_value()};
  unsigned flags = 0;
  for (std::size_t i = 0; i < present.size(); ++i) flags |= (present[i] ? 1U : 0U) << i;
  put(bytes, static_cast<std::uint8_t>(flags));
  put(bytes, static_cast<std::uint64_t>(point.step));
  put(bytes, std::bit_cast<std::uint64_t>(point.loss.value_or(0)));
  for (const auto& value : {point.ce, point.kl, point.grad_norm, point.ms})
    put(bytes, std::bit_cast<std::uint32_t>(value.value_or(0)));
  put(bytes, static_cast<std::uint64_t>(point.tokens.value_or(0)));
}

CurvePoint unpack(std::string_view bytes) {
  const unsigned flags = take<std::uint8_t>(bytes);
  CurvePoint point;
  point.step = static_cast<std::int64_t>(take<std::uint64_t>(bytes));
  const double loss = std::bit_cast<double>(take<std::uint64_t>(bytes));
  if ((flags & 1U) != 0) point.loss = loss;
  unsigned bit = 2;
  for (std::optional<float>* value : {&point.ce, &point.kl, &point.grad_norm, &point.ms}) {
    const float read = std::bit_cast<float>(take<std::uint32_t>(bytes));
    if ((flags & bit) != 0) *value = read;
    bit <<= 1U;
  }
  const auto tokens = static_cast<std::int64_t>(take<std::uint64_t>(bytes));
  if ((flags & bit) != 0) point.tokens = tokens;
  return point;
}

void insert_points(Tx& tx, const JobId& job, int attempt, std::uint64_t first, std::span<const CurvePoint> points) {
  const std::string data = pack_points({points.begin(), points.end()});
  tx.change(
      "INSERT INTO curve_chunks (job, attempt, first, count, first_step, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6) "
      "ON CONFLICT (job, attempt, first) DO UPDATE SET count = excluded.count, data = excluded.data",
      job, attempt, first, points.size(), points.front().step, Blob(data));
}

// The number of the first point that lies at this step or after it.
std::uint64_t first_not_before(ReadTx& tx, const JobId& job, int attempt, std::int64_t step) {
  Query row = tx.query(
      "SELECT first, data FROM curve_chunks WHERE job = ?1 AND attempt = ?2 AND first_step < ?3 ORDER BY first DESC "
      "LIMIT 1",
      job, attempt, step);
  if (!row.step()) return 0;
  const std::vector<CurvePoint> points = unpack_points(row.get<std::string>(1));
  const auto found = std::find_if(points.begin(), points.end(), [step](const auto& one) { return one.step >= step; });
  return row.get<std::uint64_t>(0) + static_cast<std::uint64_t>(found - points.begin());
}

}  // namespace

std::string pack_points(const std::vector<CurvePoint>& points) {
  std::string bytes;
  bytes.reserve(points.size() * kPointBytes);
  for (const CurvePoint& point : points) pack(bytes, point);
  return bytes;
}

std::vector<CurvePoint> unpack_points(std::string_view bytes) {
  if (bytes.size() % kPointBytes != 0) throw DatabaseError(SQLITE_CORRUPT, "a stored curve is damaged");
  std::vector<CurvePoint> points;
  points.reserve(bytes.size() / kPointBytes);
  for (; !bytes.empty(); bytes.remove_prefix(kPointBytes)) points.push_back(unpack(bytes.substr(0, kPointBytes)));
  return points;
}

void append_points(Tx& tx, const JobId& job, int attempt, const std::vector<CurvePoint>& points) {
  if (points.empty()) return;
  std::vector<CurvePoint> pending;  // the last chunk, where it has room, and the new ones
  std::uint64_t first = 0;
  {
    Query last = tx.query(
        "SELECT first, count, data FROM curve_chunks WHERE job = ?1 AND attempt = ?2 ORDER BY first DESC LIMIT 1", job,
        attempt);
    if (last.step()) {
      const auto count = last.get<std::uint64_t>(1);
      first = last.get<std::uint64_t>(0);
      if (count < kPointsPerChunk)
        pending = unpack_points(last.get<std::string>(2));
      else
        first += count;
    }
  }
  pending.insert(pending.end(), points.begin(), points.end());
  for (std::size_t at = 0; at < pending.size(); at += kPointsPerChunk) {
    const std::size_t count = std::min(kPointsPerChunk, pending.size() - at);
    insert_points(tx, job, attempt, first + at, std::span(pending).subspan(at, count));
  }
}

std::vector<CurvePoint> read_curve(ReadTx& tx, const Job& job, int attempt, std::uint64_t first,
                                   std::size_t count_max) {
  std::vector<CurvePoint> points;
  points.reserve(std::min(count_max, kPointsPerChunk));
  for_each_point(tx, job, attempt, {first, first + count_max}, [&points](const auto& one) { points.push_back(one); });
  return points;
}

std::uint64_t count_points(ReadTx& tx, const Job& job, int attempt) {
  Query row =
      tx.query("SELECT first + count FROM curve_chunks WHERE job = ?1 AND attempt = ?2 ORDER BY first DESC LIMIT 1",
               job.id, attempt == 0 ? job.attempt : attempt);
  return row.step() ? row.get<std::uint64_t>(0) : 0;
}

PointRange find_points(ReadTx& tx, const Job& job, int attempt, std::int64_t step_min, std::int64_t step_max) {
  const int wanted = attempt == 0 ? job.attempt : attempt;
  const std::uint64_t first = first_not_before(tx, job.id, wanted, step_min);
  if (step_max == std::numeric_limits<std::int64_t>::max()) return {first, count_points(tx, job, attempt)};
  return {first, std::max(first, first_not_before(tx, job.id, wanted, step_max + 1))};
}

void for_each_point(ReadTx& tx, const Job& job, int attempt, PointRange range,
                    const std::function<void(const CurvePoint&)>& visit) {
  Query row = tx.query(
      "SELECT first, data FROM curve_chunks WHERE job = ?1 AND attempt = ?2 AND first + count > ?3 AND first < ?4 "
      "ORDER BY first",
      job.id, attempt == 0 ? job.attempt : attempt, range.first, range.end);
  while (row.step()) {
    auto number = row.get<std::uint64_t>(0);
    const std::string data = row.get<std::string>(1);
    if (data.size() % kPointBytes != 0) throw DatabaseError(SQLITE_CORRUPT, "a stored curve is damaged");
    for (std::string_view rest = data; !rest.empty(); rest.remove_prefix(kPointBytes), ++number)
      if (number >= range.first && number < range.end) visit(unpack(rest.substr(0, kPointBytes)));
  }
}

}  // namespace smgate::store
