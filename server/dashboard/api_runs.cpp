// Runs, and the list of routes.
#include <spdlog/fmt/fmt.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "server/dashboard/api.hpp"
#include "server/dashboard/parameters.hpp"
#include "server/dashboard/views_json.hpp"
#include "server/http/target.hpp"
#include "server/store/store_async.hpp"

namespace smgate::dashboard {
namespace {

constexpr std::int64_t kPageDefault = 30;

// The address of the next page: the same question, from the cursor on.
nlohmann::json next_page(const http::Request& request, const std::optional<RunId>& next) {
  if (!next) return nullptr;
  std::string address = request.path + "?before=" + next->value;
  for (const auto& [name, value] : request.query)
    if (name != "before") address += "&" + name + "=" + http::percent_encode(value);
  return address;
}

}  // namespace

Api::Api(store::Store& store, Metrics& metrics, ApiHints hints)
    : store_(store), metrics_(metrics), hints_(std::move(hints)) {}

std::vector<http::Route> Api::routes() {
  using Method = Answer (Api::*)(http::Request);
  const auto get = [this](const char* pattern, Method method) {
    return http::Route{"GET", pattern,
                       [this, method](http::Request request) { return (this->*method)(std::move(request)); }, 0};
  };
  return {get("/api/v1/runs", &Api::list_runs),
          get("/api/v1/runs/{id}", &Api::show_run),
          get("/api/v1/jobs/{id}/curve", &Api::show_curve),
          get("/api/v1/jobs/{id}/log", &Api::show_log),
          get("/api/v1/runners", &Api::list_runners),
          get("/healthz", &Api::health),
          get("/readyz", &Api::readiness),
          get("/metrics", &Api::metrics)};
}

Api::Answer Api::list_runs(http::Request request) {
  if (auto known = only_known(request, {"repository", "branch", "commit", "verdict", "before", "limit"}); !known)
    co_return bad_parameter(request, known.error());
  const Result<store::RunFilter> filter = parse_filter(request);
  if (!filter) co_return bad_parameter(request, filter.error());
  const Result<std::optional<RunId>> before = parse_cursor(request);
  if (!before) co_return bad_parameter(request, before.error());
  const auto limit = integer_parameter(request, "limit", kPageDefault, {1, store::kPageMax});
  if (!limit) co_return bad_parameter(request, limit.error());

  const store::RunPage page = co_await store::read(store_, [&filter, &before, &limit](store::ReadTx& tx) {
    return store::list_runs(tx, *filter, *before, static_cast<std::size_t>(*limit));
  });
  nlohmann::json runs = nlohmann::json::array();
  for (const store::RunSummary& run : page.runs) runs.push_back(to_json(run));
  co_return http::json_response(200, {{"runs", std::move(runs)}, {"next", next_page(request, page.next)}});
}

Api::Answer Api::show_run(http::Request request) {
  if (auto known = only_known(request, {}); !known) co_return bad_parameter(request, known.error());
  const RunId id{request.params.at("id")};
  if (!is_ulid(id.value)) co_return not_found(request, "this is no run id: a run id is a ULID of 26 characters");
  const std::optional<store::RunDetail> run =
      co_await store::read(store_, [&id](store::ReadTx& tx) { return store::read_run(tx, id); });
  if (!run) co_return not_found(request, "there is no run of this id");
  co_return http::json_response(200, to_json(*run));
}

}  // namespace smgate::dashboard
