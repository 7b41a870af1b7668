#include "server/sender/sender.hpp"

#include <utility>

#include "common/crash_point.hpp"
#include "common/log.hpp"
#include "server/sender/sender_steps.hpp"
#include "server/store/crash_points.hpp"
#include "server/store/store_async.hpp"

namespace smgate::sender {

using boost::asio::awaitable;

Sender::Sender(store::Store& store, github::Client& client, const Clock& clock)
    : store_(store), client_(client), clock_(clock) {}

awaitable<bool> Sender::step() {
  const std::optional<Task> task = co_await begin();
  if (!task) co_return false;
  crash_point(store::kCallBegun);
  Conclusion conclusion = co_await carry_out(client_, *task, clock_);
  crash_point(store::kCallAnswered);
  co_await finish(*task, std::move(conclusion));
  co_return true;
}

awaitable<std::optional<Task>> Sender::begin() {
  const std::int64_t now_ms = clock_.now_ms();
  if (client_.earliest_ms(github::Effect::write) > now_ms) co_return std::nullopt;
  const auto due_ms = co_await store::read(store_, [](store::ReadTx& tx) { return store::next_call_due_ms(tx); });
  if (!due_ms || *due_ms > now_ms) co_return std::nullopt;
  const bool statuses = !client_.is_app();
  co_return co_await store::write(store_,
                                  [now_ms, statuses](store::Tx& tx) { return begin_task(tx, statuses, now_ms); });
}

awaitable<void> Sender::finish(Task task, Conclusion conclusion) {
  const std::int64_t now_ms = clock_.now_ms();
  co_await store::write(store_, [&task, &conclusion, now_ms](store::Tx& tx) { record(tx, task, conclusion, now_ms); });
  const std::string_view kind = store::to_string(task.call.kind);
  if (const auto* given_up = std::get_if<GiveUp>(&conclusion))
    spdlog::error("a call to GitHub was given up seq={} kind={} lane={} what=\"{}\"", task.call.seq, kind,
                  task.call.lane, given_up->error);
  else if (const auto* again = std::get_if<Again>(&conclusion))
    spdlog::warn("a call to GitHub waits seq={} kind={} lane={} in_ms={} what=\"{}\"", task.call.seq, kind,
                 task.call.lane, again->retry.next_ms - now_ms, again->retry.error);
  else
    spdlog::info("a call to GitHub was sent seq={} kind={} lane={}", task.call.seq, kind, task.call.lane);
}

}  // namespace smgate::sender
