#include "server/store/events.hpp"

#include <map>
#include <utility>

#include "common/compress.hpp"

namespace smgate::store {

bool append_events(Tx& tx, const Job& job, const protocol::EventChunk& chunk, std::uint64_t seq) {
  if (job.events_cut || job.event_bytes + chunk.lines.size() > kEventBytesMax) {
    tx.change("UPDATE jobs SET events_cut = 1 WHERE id = ?1", job.id);
    return false;
  }
  const std::string data = zstd_compress(chunk.lines);
  tx.change("INSERT INTO event_chunks (job, attempt, seq, part, file, size, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            job.id, job.attempt, seq, chunk.part, chunk.file, chunk.lines.size(), Blob(data));
  tx.change("UPDATE jobs SET event_bytes = event_bytes + ?2 WHERE id = ?1", job.id, chunk.lines.size());
  return true;
}

std::vector<EventFile> read_events(ReadTx& tx, const JobId& job, int attempt) {
  Query row =
      tx.query("SELECT part, file, data FROM event_chunks WHERE job = ?1 AND attempt = ?2 ORDER BY seq", job, attempt);
  std::map<std::pair<std::string, std::string>, std::string> files;  // by part and name
  while (row.step()) {
    const Result<std::string> lines = zstd_decompress(row.get<std::string>(2), protocol::kMessageBytesMax);
    if (!lines) throw DatabaseError(SQLITE_CORRUPT, "stored events are damaged: " + lines.error().text());
    files[{row.get<std::string>(0), row.get<std::string>(1)}] += *lines;
  }
  std::vector<EventFile> result;
  for (auto& [place, lines] : files) result.push_back({place.second, std::move(lines), place.first});
  return result;
}

}  // namespace smgate::store
