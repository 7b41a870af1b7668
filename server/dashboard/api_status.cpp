// Runners, health, metrics.
#include <nlohmann/json.hpp>

#include "server/dashboard/api.hpp"
#include "server/dashboard/parameters.hpp"
#include "server/dashboard/views_json.hpp"
#include "server/store/store_async.hpp"

namespace smgate::dashboard {

Api::Answer Api::list_runners(http::Request request) {
  if (auto known = only_known(request, {}); !known) co_return bad_parameter(request, known.error());
  const std::vector<store::Runner> runners =
      co_await store::read(store_, [](store::ReadTx& tx) { return store::list_runners(tx); });
  nlohmann::json list = nlohmann::json::array();
  for (const store::Runner& runner : runners) list.push_back(to_json(runner, hints_.online(runner.name)));
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
