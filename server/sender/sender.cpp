#include "server/sender/sender.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "common/crash_point.hpp"
#include "common/log.hpp"
#include "server/sender/bodies.hpp"
#include "server/store/crash_points.hpp"
#include "server/store/store_async.hpp"

namespace smgate::sender {
namespace {

namespace asio = boost::asio;
using asio::awaitable;

constexpr std::int64_t kKeep_ms = 7LL * 24 * 3'600'000;  // of rows that have ended: for people who look into them
constexpr std::int64_t kForgetBatch = 10;

std::optional<store::Check> check_of(store::ReadTx& tx, const store::Call& call) {
  if (call.kind != store::CallKind::set_check && call.kind != store::CallKind::add_annotations) return std::nullopt;
  const nlohmann::json body = nlohmann::json::parse(call.body, nullptr, false);
  return store::find_check(tx, call.repository, CommitSha{text_at(body, "head_sha")}, text_at(body, "name"));
}

void write(store::Tx& tx, const Task& task, const Conclusion& conclusion, std::int64_t now_ms) {
  if (const auto* finish = std::get_if<Finish>(&conclusion)) {
    store::finish_call(tx, task.call.seq, finish->check, now_ms);
    store::forget_calls(tx, now_ms - kKeep_ms, kForgetBatch);
  } else if (const auto* given_up = std::get_if<GiveUp>(&conclusion)) {
    store::give_up_call(tx, task.call.seq, given_up->error, now_ms);
  } else {
    const auto& again = std::get<Again>(conclusion);
    store::retry_call(tx, task.call.seq, again.retry);
    if (again.forget_check && task.check) store::forget_check(tx, *task.check);
  }
}

}  // namespace

Sender::Sender(store::Store& store, github::Client& client, const Clock& clock)
    : store_(store), client_(client), clock_(clock) {}

awaitable<bool> Sender::step() {
  const std::optional<Task> task = co_await begin();
  if (!task) co_return false;
  crash_point(store::kCallBegun);
  Conclusion conclusion = co_await carry_out(*task);
  crash_point(store::kCallAnswered);
  co_await record(*task, std::move(conclusion));
  co_return true;
}

awaitable<std::optional<Task>> Sender::begin() {
  const std::int64_t now_ms = clock_.now_ms();
  if (client_.earliest_ms(github::Effect::write) > now_ms) co_return std::nullopt;
  const auto due_ms = co_await store::read(store_, [](store::ReadTx& tx) { return store::next_call_due_ms(tx); });
  if (!due_ms || *due_ms > now_ms) co_return std::nullopt;
  const bool statuses = !client_.is_app();
  co_return co_await store::write(store_, [now_ms, statuses](store::Tx& tx) -> std::optional<Task> {
    std::optional<store::Call> call = store::begin_next_call(tx, now_ms);
    if (!call) return std::nullopt;
    std::optional<store::Check> check = check_of(tx, *call);
    return Task{std::move(*call), std::move(check), statuses};
  });
}

awaitable<Conclusion> Sender::carry_out(Task task) {
  Step step = first_step(task);
  const github::Target target{task.call.repository, task.call.installation};
  if (const auto* look = std::get_if<Look>(&step)) {
    const github::Outcome seen = co_await client_.send(look->request, target, task.call.attempts);
    if (!std::holds_alternative<github::Done>(seen.meaning))
      co_return conclude(task, seen.meaning, seen.answer, true, clock_.now_ms());
    step = after_look(task, seen.answer);
  }
  if (const auto* finish = std::get_if<Finish>(&step)) co_return *finish;
  if (const auto* given_up = std::get_if<GiveUp>(&step)) co_return *given_up;
  const github::Outcome outcome = co_await client_.send(std::get<Act>(step).request, target, task.call.attempts);
  co_return conclude(task, outcome.meaning, outcome.answer, false, clock_.now_ms());
}

awaitable<void> Sender::record(Task task, Conclusion conclusion) {
  const std::int64_t now_ms = clock_.now_ms();
  co_await store::write(store_, [&task, &conclusion, now_ms](store::Tx& tx) { write(tx, task, conclusion, now_ms); });
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

void drop_calls(store::Tx& tx, std::int64_t now_ms) {
  constexpr const char* kWhy = "not sent: neither a GitHub App nor a token is configured";
  while (const std::optional<store::Call> call = store::begin_next_call(tx, now_ms))
    store::give_up_call(tx, call->seq, kWhy, now_ms);
  store::forget_calls(tx, now_ms - kKeep_ms, kForgetBatch);
}

}  // namespace smgate::sender
