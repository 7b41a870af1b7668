// The JSON API, described by schemas/openapi.yaml: reads the store, changes nothing. Handlers run on the network thread
// and await the store's readers; owned by the composition root.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <optional>
#include <vector>

#include "server/dashboard/metrics.hpp"
#include "server/http/router.hpp"
#include "server/store/store.hpp"

namespace smgate::dashboard {

struct ApiHints {
  std::function<bool(const RunnerName& runner)> online;
  std::function<bool()> ready;           // false while the server starts or drains
  std::function<LiveFigures()> figures;  // for /metrics
};

class Api {
 public:
  Api(store::Store& store, Metrics& metrics, ApiHints hints);

  std::vector<http::Route> routes();

 private:
  using Answer = boost::asio::awaitable<http::Response>;
  Answer list_runs(http::Request request);
  Answer show_run(http::Request request);
  Answer show_curve(http::Request request);
  Answer show_log(http::Request request);
  Answer list_runners(http::Request request);
  Answer health(http::Request request);
  Answer readiness(http::Request request);
  Answer metrics(http::Request request);

  store::Store& store_;
  Metrics& metrics_;
  ApiHints hints_;
};

}  // namespace smgate::dashboard
