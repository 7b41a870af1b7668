#include "server/sender/sender_steps.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "server/sender/bodies.hpp"
#include "server/sender/sender.hpp"

namespace smgate::sender {
namespace {

using boost::asio::awaitable;

constexpr std::int64_t kKeep_ms = 7LL * 24 * 3'600'000;  // of rows that have ended: for people who look into them
constexpr std::int64_t kForgetBatch = 10;
constexpr int kLookPagesMax = 10;  // of 100: GitHub keeps no more check runs of a name on a commit

std::optional<store::Check> check_of(store::ReadTx& tx, const store::Call& call) {
  if (call.kind != store::CallKind::set_check && call.kind != store::CallKind::add_annotations) return std::nullopt;
  const nlohmann::json body = nlohmann::json::parse(call.body, nullptr, false);
  return store::find_check(tx, call.repository, CommitSha{text_at(body, "head_sha")}, text_at(body, "name"));
}

// A list's pages as one: an array, or an object that holds the check runs.
void join_page(nlohmann::json& all, nlohmann::json page) {
  if (all.is_null()) {
    all = std::move(page);
    return;
  }
  nlohmann::json& to = all.is_object() ? all["check_runs"] : all;
  const nlohmann::json from = page.is_object() ? page.value("check_runs", nlohmann::json::array()) : std::move(page);
  if (to.is_array() && from.is_array()) to.insert(to.end(), from.begin(), from.end());
}

}  // namespace

std::optional<Task> begin_task(store::Tx& tx, bool statuses, std::int64_t now_ms) {
  std::optional<store::Call> call = store::begin_next_call(tx, now_ms);
  if (!call) return std::nullopt;
  std::optional<store::Check> check = check_of(tx, *call);
  return Task{std::move(*call), std::move(check), statuses};
}

awaitable<Conclusion> carry_out(github::Client& client, Task task, const Clock& clock) {
  Step step = first_step(task);
  const github::Target target{task.call.repository, task.call.installation};
  if (const auto* look = std::get_if<Look>(&step)) {
    nlohmann::json seen;
    github::OnPage join = [&seen](nlohmann::json page) {
      join_page(seen, std::move(page));
      return true;
    };
    const github::Meaning meaning =
        co_await client.each_page(look->request, target, kLookPagesMax, std::move(join), task.call.attempts);
    if (!std::holds_alternative<github::Done>(meaning)) co_return conclude(task, meaning, {}, true, clock.now_ms());
    step = after_look(task, seen);
  }
  if (const auto* finish = std::get_if<Finish>(&step)) co_return *finish;
  if (const auto* given_up = std::get_if<GiveUp>(&step)) co_return *given_up;
  const github::Outcome outcome = co_await client.send(std::get<Act>(step).request, target, task.call.attempts);
  co_return conclude(task, outcome.meaning, outcome.answer, false, clock.now_ms());
}

void record(store::Tx& tx, const Task& task, const Conclusion& conclusion, std::int64_t now_ms) {
  if (const auto* finish = std::get_if<Finish>(&conclusion)) {
    store::finish_call(tx, task.call.seq, finish->check, now_ms);
    if (finish->told) store::insert_delivery(tx, *finish->told);
    store::forget_calls(tx, now_ms - kKeep_ms, kForgetBatch);
  } else if (const auto* given_up = std::get_if<GiveUp>(&conclusion)) {
    store::give_up_call(tx, task.call.seq, given_up->error, now_ms);
  } else {
    const auto& again = std::get<Again>(conclusion);
    store::retry_call(tx, task.call.seq, again.retry);
    if (again.forget_check && task.check) store::forget_check(tx, *task.check);
  }
}

void drop_calls(store::Tx& tx, std::int64_t now_ms) {
  constexpr const char* kWhy = "not sent: neither a GitHub App nor a token is configured";
  while (const std::optional<store::Call> call = store::begin_next_call(tx, now_ms))
    store::give_up_call(tx, call->seq, kWhy, now_ms);
  store::forget_calls(tx, now_ms - kKeep_ms, kForgetBatch);
}

}  // namespace smgate::sender
