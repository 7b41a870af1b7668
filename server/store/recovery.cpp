#include "server/store/recovery.hpp"

namespace smgate::store {

std::optional<std::int64_t> find_mark(ReadTx& tx, const std::string& name) {
  Query row = tx.query("SELECT at_ms FROM recovery_marks WHERE name = ?1", name);
  if (!row.step()) return std::nullopt;
  return row.get<std::int64_t>(0);
}

void set_mark(Tx& tx, const std::string& name, std::int64_t at_ms) {
  tx.change(
      "INSERT INTO recovery_marks (name, at_ms) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET at_ms = "
      "excluded.at_ms",
      name, at_ms);
}

std::vector<LostDelivery> lost_deliveries(ReadTx& tx) {
  Query row = tx.query(
      "SELECT guid, event, attempt, failed_ms, asked_attempt, asked FROM lost_deliveries ORDER BY failed_ms, guid");
  std::vector<LostDelivery> lost;
  while (row.step())
    lost.push_back({row.get<std::string>(0), row.get<std::string>(1), row.get<std::int64_t>(2),
                    row.get<std::int64_t>(3), row.get<std::int64_t>(4), row.get<int>(5)});
  return lost;
}

void save_lost_delivery(Tx& tx, const LostDelivery& lost) {
  tx.change(
      "INSERT INTO lost_deliveries (guid, event, attempt, failed_ms, asked_attempt, asked) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (guid) DO UPDATE SET event = excluded.event, "
      "attempt = excluded.attempt, failed_ms = excluded.failed_ms, asked_attempt = excluded.asked_attempt, "
      "asked = excluded.asked",
      lost.guid, lost.event, lost.attempt, lost.failed_ms, lost.asked_attempt, lost.asked);
}

void forget_lost_delivery(Tx& tx, const std::string& guid) {
  tx.change("DELETE FROM lost_deliveries WHERE guid = ?1", guid);
}

}  // namespace smgate::store
