#include "server/store/deliveries.hpp"

#include "common/compress.hpp"

namespace smgate::store {
namespace {
constexpr std::size_t kPayloadBytesMax = 64U << 20U;  // GitHub sends 25 MB at most; a frame that says more is damaged
}

bool insert_delivery(Tx& tx, const Delivery& delivery) {
  const std::string payload = zstd_compress(delivery.payload);
  return tx.change(
             "INSERT INTO deliveries (id, event, received_ms, payload, state) VALUES (?1, ?2, ?3, ?4, 'pending') "
             "ON CONFLICT (id) DO UPDATE SET payload = excluded.payload, state = 'pending', outcome = '', done_ms = "
             "NULL "
             "WHERE substr(outcome, 1, length(?5)) = ?5 AND ?6",
             delivery.id, delivery.event, delivery.received_ms, Blob(payload), kIgnored,
             !delivery.payload.empty()) == 1;
}

std::optional<DeliveryStatus> find_delivery(ReadTx& tx, const DeliveryId& id) {
  Query row = tx.query("SELECT state, outcome, run FROM deliveries WHERE id = ?1", id);
  if (!row.step()) return std::nullopt;
  return DeliveryStatus{parse_delivery_state(row.get<std::string>(0)), row.get<std::string>(1),
                        row.get<std::optional<RunId>>(2)};
}

std::optional<Delivery> oldest_pending_delivery(ReadTx& tx) {
  Query row =
      tx.query("SELECT id, event, payload, received_ms FROM deliveries WHERE state = 'pending' ORDER BY seq LIMIT 1");
  if (!row.step()) return std::nullopt;
  Result<std::string> payload = zstd_decompress(row.get<std::string>(2), kPayloadBytesMax);
  if (!payload) throw DatabaseError(SQLITE_CORRUPT, "a stored webhook is damaged: " + payload.error().text());
  return Delivery{row.get<DeliveryId>(0), row.get<std::string>(1), std::move(*payload), row.get<std::int64_t>(3)};
}

void finish_delivery(Tx& tx, const DeliveryId& id, const std::string& outcome, const std::optional<RunId>& run,
                     std::int64_t now_ms) {
  tx.change(
      "UPDATE deliveries SET state = 'done', payload = NULL, outcome = ?2, run = ?3, done_ms = ?4 "
      "WHERE id = ?1 AND state = 'pending'",
      id, outcome, run, now_ms);
}

}  // namespace smgate::store
