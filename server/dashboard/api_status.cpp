// Runners, health, metrics.
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "server/dashboard/api.hpp"
#include "server/dashboard/parameters.hpp"
#include "server/dashboard/views_json.hpp"
#include "server/store/runners.hpp"
#include "server/store/store_async.hpp"
#include "server/store/views.hpp"

namespace smgate::dashboard {

Api::Answer Api::list_runners(http::Request request) {
  if (auto known = only_known(request, {}); !known) co_return bad_parameter(request, known.error());
  using Held = std::pair<store::Runner, int>;
  const std::vector<Held> runners = co_await store::read(store_, [](store::ReadTx& tx) {
    std::vector<Held> found;
    for (const store::Runner& runner : store::list_runners(tx))
      found.emplace_back(runner, store::jobs_held_by(tx, runner.name));
    return found;
  });
  nlohmann::json list = nlohmann::json::array();
  for (const auto& [runner, held] : runners) list.push_back(to_json(runner, hints_.online(runner.name), held));
  co_return http::json_response(200, {{"runners", std::move(list)}});
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
