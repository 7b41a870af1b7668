// Webhooks that GitHub could not deliver: which are lost, and when each is asked for again. Pure; any thread.
//
// GitHub never delivers again by itself. It lists each attempt, for three days; a redelivery is another attempt under
// the same guid. A webhook is lost when its newest attempt failed and it is not among our rows; each failed attempt is
// asked for again once.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "server/store/outbox.hpp"
#include "server/store/recovery.hpp"

namespace smgate::recovery {

inline constexpr std::int64_t kKept_ms = 3LL * 24 * 3'600'000;  // by GitHub, and so what can be asked for at all
// An attempt is listed when it has ended, which takes 10 s at most; queues inside GitHub have been minutes long.
inline constexpr std::int64_t kOverlap_ms = 600'000;
// The first time at once; then after 10 min, twice as long each time: eight reach over 21 hours.
inline constexpr std::int64_t kAskAgain_ms = 600'000;
inline constexpr int kAsksMax = 8;

struct Attempt {
  std::int64_t id = 0;
  std::string guid;
  std::string event;
  std::int64_t delivered_ms = 0;
  bool answered = false;  // with 2xx
};
// What lacks one of these fields is left out.
std::vector<Attempt> parse_attempts(const nlohmann::json& page);

// What is lost, by what was known and by these attempts; in any order.
std::vector<store::LostDelivery> still_lost(const std::vector<store::LostDelivery>& known,
                                            const std::vector<Attempt>& attempts, std::int64_t now_ms);
bool is_to_be_asked(const store::LostDelivery& lost, std::int64_t now_ms);
store::OutboundCall ask_again(const store::LostDelivery& lost);

}  // namespace smgate::recovery
