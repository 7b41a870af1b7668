// The sender's transactions and its one exchange with GitHub, apart from each other: between two of them the process
// may end. For the sender, and for the simulator, which ends it there.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <optional>

#include "common/clock.hpp"
#include "server/github/client.hpp"
#include "server/sender/plan.hpp"

namespace smgate::sender {

// The call due next, begun with this transaction; `statuses`: no App is set up. On the store's thread.
std::optional<Task> begin_task(store::Tx& tx, bool statuses, std::int64_t now_ms);
// Looks where it must, sends, and says what became of it. Network thread.
boost::asio::awaitable<Conclusion> carry_out(github::Client& client, Task task, const Clock& clock);
// On the store's thread.
void record(store::Tx& tx, const Task& task, const Conclusion& conclusion, std::int64_t now_ms);

}  // namespace smgate::sender
