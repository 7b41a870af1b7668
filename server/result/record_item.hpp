// What an accepted item of a runner becomes: log chunks, event chunks, points of the loss curve, stages, the attempt's
// end. Part of the transaction that took the item; on the store's thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "common/protocol/messages.hpp"
#include "server/store/curves.hpp"
#include "server/store/jobs.hpp"

namespace smgate::result {

// `none` for all but Finished.
store::AttemptEnd record_item(store::Tx& tx, const store::Job& job, const protocol::Item& item, std::int64_t now_ms);

// The step events of rank 0 among these lines; what is no event is left to the contract. Pure.
std::vector<store::CurvePoint> points_of(std::string_view lines);

}  // namespace smgate::result
