// Runners, health, metrics.
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/dashboard/api.hpp"
#include "server/dashboard/parameters.hpp"
#include "server/dashboard/views_json.hpp"
#include "server/store/runners.hpp"
#include "server/store/store_async.hpp"
#include "server/store/views.hpp"

namespace smgate::dashboard {
namespace {

constexpr std::int64_t kRunnersMax = 1000;  // a page; 500 bytes each

}  // namespace

Api::Answer Api::list_runners(http::Request request) {
  if (auto known = only_known(request, {"after", "limit"}); !known) co_return bad_parameter(request, known.error());
  const auto limit = integer_parameter(request, "limit", kRunnersMax, {1, kRunnersMax});
  if (!limit) co_return bad_parameter(request, limit.error());
  const RunnerName after{request.query_value("after").value_or("")};
  const auto count = static_cast<std::size_t>(*limit);
  using Held = std::pair<store::Runner, int>;
  std::vector<Held> runners = co_await store::read(store_, [&after, count](store::ReadTx& tx) {
    std::vector<Held> found;
    for (const store::Runner& runner : store::list_runners(tx, after, count + 1))
      found.emplace_back(runner, store::jobs_held_by(tx, runner.name));
    return found;
  });
  std::optional<std::string> next;
  if (runners.size() > count) {
    runners.pop_back();
    next = runners.back().first.name.value;
  }
  nlohmann::json list = nlohmann::json::array();
  for (const auto& [runner, held] : runners) list.push_back(to_json(runner, hints_.online(runner.name), held));
  co_return http::json_response(200, {{"runners", std::move(list)}, {"next", next_page(request, "after", next)}});
}

Api::Answer Api::health(http::Request) { co_return http::json_response(200, {{"status", "ok"}}); }

// Ready: the store answers, and the server is not about to stop.
Api::Answer Api::readiness(http::Request request) {
  if (!hints_.ready())
    co_return http::problem_response({503, "draining", "the server is stopping", "try again soon"}, request.path);
  co_await store::read(store_, [](store::ReadTx& tx) { return store::count_work(tx); });
  co_return http::json_response(200, {{"status", "ready"}});
}

Api::Answer Api::metrics(http::Request) {
  const store::Counts counts = co_await store::read(store_, [](store::ReadTx& tx) { return store::count_work(tx); });
  http::Response response = http::text_response(200, metrics_.render(counts, store_.figures(), hints_.figures()));
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  co_return response;
}

}  // namespace smgate::dashboard
