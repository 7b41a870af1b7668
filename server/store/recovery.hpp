// What the recovery knows between two looks at GitHub: how far it has looked, and which webhooks are lost. Called by
// recovery, on the store's thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/store/tx.hpp"

namespace smgate::store {

std::optional<std::int64_t> find_mark(ReadTx& tx, const std::string& name);
void set_mark(Tx& tx, const std::string& name, std::int64_t at_ms);

// A webhook that GitHub could not deliver.
struct LostDelivery {
  std::string guid;  // X-GitHub-Delivery, the same for all attempts
  std::string event;
  std::int64_t attempt = 0;        // the newest failed one, by GitHub's number
  std::int64_t failed_ms = 0;      // GitHub's time of it
  std::int64_t asked_attempt = 0;  // the one that was asked for again last; 0: none
  int asked = 0;
  bool operator==(const LostDelivery&) const = default;
};
std::vector<LostDelivery> lost_deliveries(ReadTx& tx);  // oldest first
void save_lost_delivery(Tx& tx, const LostDelivery& lost);
void forget_lost_delivery(Tx& tx, const std::string& guid);

}  // namespace smgate::store
