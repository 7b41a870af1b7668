#include "server/recovery/redeliveries.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "server/github/answer.hpp"
#include "server/recovery/fields.hpp"

namespace smgate::recovery {

using nlohmann::json;

std::vector<Attempt> parse_attempts(const json& page) {
  std::vector<Attempt> attempts;
  if (!page.is_array()) return attempts;
  for (const json& item : page) {
    const std::int64_t code = number_at(item, "status_code");
    const auto delivered_ms = github::parse_utc_ms(text_at(item, "delivered_at"));
    Attempt attempt{number_at(item, "id"), text_at(item, "guid"), text_at(item, "event"), delivered_ms.value_or(0),
                    code >= 200 && code < 300};
    if (attempt.id != 0 && !attempt.guid.empty() && delivered_ms) attempts.push_back(std::move(attempt));
  }
  return attempts;
}

std::vector<store::LostDelivery> still_lost(const std::vector<store::LostDelivery>& known,
                                            const std::vector<Attempt>& attempts, std::int64_t now_ms) {
  std::map<std::string, store::LostDelivery> lost;
  for (const store::LostDelivery& one : known) lost.emplace(one.guid, one);
  std::set<std::string> answered;
  for (const Attempt& attempt : attempts) {
    if (attempt.answered) answered.insert(attempt.guid);
    store::LostDelivery& one = lost[attempt.guid];
    if (attempt.id <= one.attempt) continue;
    one.guid = attempt.guid;
    one.event = attempt.event;
    one.attempt = attempt.id;
    one.failed_ms = attempt.delivered_ms;
  }
  std::vector<store::LostDelivery> still;
  for (const auto& [guid, one] : lost)
    if (!answered.contains(guid) && one.failed_ms > now_ms - kKept_ms) still.push_back(one);
  return still;
}

bool is_to_be_asked(const store::LostDelivery& lost, std::int64_t now_ms) {
  if (lost.attempt == lost.asked_attempt || lost.asked >= kAsksMax) return false;
  return lost.asked == 0 || now_ms >= lost.failed_ms + (kAskAgain_ms << (lost.asked - 1));
}

store::OutboundCall ask_again(const store::LostDelivery& lost) {
  store::OutboundCall call;
  call.lane = "redeliver/" + lost.guid;
  call.kind = store::CallKind::redeliver;
  call.external_id = lost.guid;
  call.body = json{{"delivery_id", lost.attempt}}.dump();
  return call;
}

}  // namespace smgate::recovery
