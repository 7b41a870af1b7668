#include "server/store/retention.hpp"

#include <string>

#include "common/clock.hpp"
#include "common/compress.hpp"

namespace smgate::store {

std::optional<JobId> drop_oldest_raw(Tx& tx, std::int64_t before_ms, std::int64_t now_ms) {
  Query oldest = tx.query(
      "SELECT id FROM jobs WHERE ended_ms > coalesce(raw_dropped_ms, 0) AND ended_ms < ?1 "
      "AND state IN ('done', 'cancelled') ORDER BY ended_ms LIMIT 1",
      before_ms);
  if (!oldest.step()) return std::nullopt;
  const JobId id{oldest.get<std::string>(0)};
  const std::string note = "[this log was dropped on " + to_rfc3339(now_ms).substr(0, 10) +
                           ": the server's limits.raw_days says how long logs are kept]\n";
  const std::string packed = zstd_compress(note);
  tx.change("DELETE FROM event_chunks WHERE job = ?1", id);
  tx.change("DELETE FROM log_chunks WHERE job = ?1 AND offset > 0", id);
  tx.change("UPDATE log_chunks SET size = ?2, data = ?3 WHERE job = ?1", id, note.size(), Blob(packed));
  tx.change("UPDATE jobs SET raw_dropped_ms = ?2, log_bytes = iif(log_bytes > 0, ?3, 0) WHERE id = ?1", id, now_ms,
            note.size());
  return id;
}

}  // namespace smgate::store
