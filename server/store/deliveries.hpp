// Webhook deliveries: durable before they are answered, worked off one by one, kept so that a redelivery is known.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/store/states.hpp"
#include "server/store/tx.hpp"

namespace smgate::store {

struct Delivery {
  DeliveryId id;
  std::string event;
  std::string payload;  // as it came; stored compressed
  std::int64_t received_ms = 0;
};

struct DeliveryStatus {
  DeliveryState state = DeliveryState::pending;
  std::string outcome;       // why nothing was done, or what was; empty while pending
  std::optional<RunId> run;  // made or joined
};

// In a payload that this server tells itself, at the top: what GitHub says that the person may do.
inline constexpr const char* kPermissionField = "smgate_permission";

inline constexpr std::string_view kIgnored = "ignored: ";  // how the outcome of one begins that was never processed

// False: one of this id is there already and stays as it is. One that was ignored, and now comes with a payload, waits
// like a new one.
bool insert_delivery(Tx& tx, const Delivery& delivery);
std::optional<DeliveryStatus> find_delivery(ReadTx& tx, const DeliveryId& id);
std::optional<Delivery> oldest_pending_delivery(ReadTx& tx);
// The payload goes: what it caused is in the rows.
void finish_delivery(Tx& tx, const DeliveryId& id, const std::string& outcome, const std::optional<RunId>& run,
                     std::int64_t now_ms);

}  // namespace smgate::store
