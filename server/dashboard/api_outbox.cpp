// Calls to GitHub, as they wait, were made, or were given up: without their bodies, which are the checks themselves.
#include <nlohmann/json.hpp>
#include <utility>

#include "server/dashboard/api.hpp"
#include "server/dashboard/parameters.hpp"
#include "server/store/outbox.hpp"
#include "server/store/store_async.hpp"

namespace smgate::dashboard {
namespace {

using nlohmann::json;

constexpr std::int64_t kPageDefault = 30;
constexpr std::int64_t kSeqMax = INT64_C(1) << 60;

json text_or_null(const std::string& text) { return text.empty() ? json() : json(text); }

json to_json(const store::Call& call) {
  const bool pending = call.state == store::CallState::pending;
  return {{"seq", call.seq},
          {"lane", call.lane},
          {"kind", to_string(call.kind)},
          {"repository", call.repository},
          {"run", call.run ? json(call.run->value) : json()},
          {"job", call.job ? json(call.job->value) : json()},
          {"state", to_string(call.state)},
          {"attempts", call.attempts},
          {"unsure", call.unsure},
          {"last_error", text_or_null(call.last_error)},
          {"created_at", to_rfc3339(call.created_ms)},
          {"next_at", pending ? json(to_rfc3339(call.next_ms)) : json()},
          {"ended_at", call.ended_ms ? json(to_rfc3339(*call.ended_ms)) : json()}};
}

Result<store::CallFilter> parse_call_filter(const http::Request& request) {
  store::CallFilter filter;
  filter.repository = request.query_value("repository");
  if (const auto run = request.query_value("run")) {
    if (!is_ulid(*run)) return Error{"query parameter \"run\" is \"" + *run + "\"", "", "give the id of a run"};
    filter.run = RunId{*run};
  }
  if (const auto state = request.query_value("state")) {
    filter.state = store::parse_call_state(*state);
    if (!filter.state)
      return Error{"query parameter \"state\" is \"" + *state + "\"", "",
                   "give one of pending, sent, superseded, dead"};
  }
  return filter;
}

struct OutboxPage {
  std::vector<store::Call> calls;
  store::CallCounts counts;
};

}  // namespace

Api::Answer Api::list_outbox(http::Request request) {
  if (auto known = only_known(request, {"state", "repository", "run", "before", "limit"}); !known)
    co_return bad_parameter(request, known.error());
  const Result<store::CallFilter> filter = parse_call_filter(request);
  if (!filter) co_return bad_parameter(request, filter.error());
  const auto before = integer_parameter(request, "before", kSeqMax, {1, kSeqMax});
  const auto limit = integer_parameter(request, "limit", kPageDefault, {1, store::kPageMax});
  for (const auto* number : {&before, &limit})
    if (!*number) co_return bad_parameter(request, number->error());
  const auto count = static_cast<std::size_t>(*limit);
  OutboxPage page = co_await store::read(store_, [&filter, &before, count](store::ReadTx& tx) {
    return OutboxPage{store::list_calls(tx, *filter, *before, count + 1), store::count_calls(tx)};
  });
  std::optional<std::string> next;
  if (page.calls.size() > count) {
    page.calls.pop_back();
    next = std::to_string(page.calls.back().seq);
  }
  json calls = json::array();
  for (const store::Call& call : page.calls) calls.push_back(to_json(call));
  const auto& oldest = page.counts.oldest_pending_ms;
  co_return http::json_response(200, {{"calls", std::move(calls)},
                                      {"next", next_page(request, "before", next)},
                                      {"pending", page.counts.pending},
                                      {"dead", page.counts.dead},
                                      {"oldest_pending_at", oldest ? json(to_rfc3339(*oldest)) : json()}});
}

}  // namespace smgate::dashboard
