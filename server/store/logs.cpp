#include "server/store/logs.hpp"

#include <algorithm>

#include "common/compress.hpp"

namespace smgate::store {
namespace {

constexpr std::string_view kCutNote = "\n[the log is cut here: it is longer than a job's log may be]\n";

void insert_chunk(Tx& tx, const Job& job, const std::string& stage, const std::string& bytes, std::int64_t now_ms) {
  const std::string data = zstd_compress(bytes);
  tx.change(
      "INSERT INTO log_chunks (job, attempt, offset, size, stage, at_ms, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
      job.id, job.attempt, job.log_bytes, bytes.size(), stage, now_ms, Blob(data));
  tx.change("UPDATE jobs SET log_bytes = log_bytes + ?2 WHERE id = ?1", job.id, bytes.size());
}

std::uint64_t total_of(ReadTx& tx, const Job& job, int attempt) {
  if (attempt == job.attempt) return job.log_bytes;
  Query row =
      tx.query("SELECT offset + size FROM log_chunks WHERE job = ?1 AND attempt = ?2 ORDER BY offset DESC LIMIT 1",
               job.id, attempt);
  return row.step() ? row.get<std::uint64_t>(0) : 0;
}

std::string unpack(const std::string& frame) {
  Result<std::string> bytes = zstd_decompress(frame, protocol::kMessageBytesMax);
  if (!bytes) throw DatabaseError(SQLITE_CORRUPT, "a stored log is damaged: " + bytes.error().text());
  return std::move(*bytes);
}

// The number of the chunk's first byte from which on chunks are to be read.
std::uint64_t first_chunk_at(ReadTx& tx, const Job& job, int attempt, std::uint64_t offset) {
  Query row = tx.query("SELECT max(offset) FROM log_chunks WHERE job = ?1 AND attempt = ?2 AND offset <= ?3", job.id,
                       attempt, offset);
  row.step();
  return row.get<std::uint64_t>(0);
}

}  // namespace

void append_log(Tx& tx, const Job& job, const protocol::LogChunk& chunk, std::int64_t now_ms) {
  if (job.log_bytes > kLogBytesMax || chunk.bytes.empty()) return;  // the note is what goes beyond
  if (job.log_bytes + chunk.bytes.size() <= kLogBytesMax)
    return insert_chunk(tx, job, chunk.stage, chunk.bytes, now_ms);
  const std::string rest = chunk.bytes.substr(0, kLogBytesMax - job.log_bytes) + std::string(kCutNote);
  insert_chunk(tx, job, chunk.stage, rest, now_ms);
}

LogRange read_log(ReadTx& tx, const Job& job, int attempt, std::uint64_t offset, std::uint64_t count_max) {
  LogRange range;
  range.attempt = attempt == 0 ? job.attempt : attempt;
  range.total = total_of(tx, job, range.attempt);
  range.offset = std::min(offset, range.total);
  const std::uint64_t end = range.offset + std::min<std::uint64_t>(count_max, kLogReadMax);
  const std::uint64_t first = first_chunk_at(tx, job, range.attempt, range.offset);
  Query row = tx.query(
      "SELECT offset, data FROM log_chunks WHERE job = ?1 AND attempt = ?2 AND offset >= ?3 AND offset < ?4 "
      "ORDER BY offset",
      job.id, range.attempt, first, end);
  while (row.step()) {
    const auto start = row.get<std::uint64_t>(0);
    const std::string bytes = unpack(row.get<std::string>(1));
    const std::uint64_t from = range.offset > start ? range.offset - start : 0;
    const std::uint64_t until = std::min<std::uint64_t>(bytes.size(), end - start);
    if (from < until) range.bytes.append(bytes, from, until - from);
  }
  return range;
}

std::vector<LogPart> log_parts(ReadTx& tx, const Job& job, int attempt) {
  std::vector<LogPart> parts;
  Query row = tx.query(
      "SELECT stage, min(offset), max(offset + size) FROM log_chunks WHERE job = ?1 AND attempt = ?2 GROUP BY stage "
      "ORDER BY 2",
      job.id, attempt == 0 ? job.attempt : attempt);
  while (row.step()) parts.push_back({row.get<std::string>(0), row.get<std::uint64_t>(1), row.get<std::uint64_t>(2)});
  return parts;
}

}  // namespace smgate::store
