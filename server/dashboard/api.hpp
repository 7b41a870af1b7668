// The JSON API, described by schemas/openapi.yaml. Reads the store's rows; what people ask for (run again, cancel,
// approve, drain) is one transaction with its entry in the audit log. Handlers run on the network thread and await the
// store; large answers are put together on the store's reader threads. One file a noun; owned by the composition root.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "server/dashboard/kept_texts.hpp"
#include "server/dashboard/metrics.hpp"
#include "server/http/router.hpp"
#include "server/store/actions.hpp"
#include "server/store/api_tokens.hpp"
#include "server/store/store.hpp"

namespace smgate::dashboard {

struct ApiHints {
  std::function<bool(const RunnerName& runner)> online;
  std::function<bool()> ready;                                   // false while the server starts or drains
  std::function<LiveFigures()> figures;                          // for /metrics
  std::function<void(const store::ActionResult& result)> acted;  // wakes the stages, tells runners to stop
};

struct ApiOptions {
  bool read_needs_token = false;
  std::size_t streams_max = 256;  // each looks at the store ten times a second at most
};

class Api {
 public:
  Api(store::Store& store, const Clock& clock, Metrics& metrics, ApiHints hints, ApiOptions options);

  std::vector<http::Route> routes();

 private:
  using Answer = boost::asio::awaitable<http::Response>;
  using Read = Answer (Api::*)(http::Request);
  using Act = Answer (Api::*)(http::Request, store::ApiToken);
  using Operation = std::function<store::ActionResult(store::Tx& tx, const std::string& actor, std::int64_t now_ms)>;

  // Who may: see access.cpp.
  struct Pass {
    std::optional<store::ApiToken> token;
    std::optional<http::Problem> refused;
  };
  boost::asio::awaitable<Pass> authorize(const http::Request& request, std::string scope);
  Answer guard_read(http::Request request, Read method);
  Answer guard_always(http::Request request, Read method);  // a token also where reading is open
  Answer guard_act(http::Request request, std::string scope, Act method);

  Answer list_runs(http::Request request);
  Answer show_run(http::Request request);
  Answer show_coverage(http::Request request);
  Answer compare_runs(http::Request request);
  Answer show_job(http::Request request);
  Answer show_curve(http::Request request);
  Answer show_curves(http::Request request);
  Answer draw_curve(http::Request request);
  Answer show_log(http::Request request);
  Answer show_board(http::Request request);
  Answer show_trends(http::Request request);
  Answer show_queue(http::Request request);
  Answer show_badge(http::Request request);
  Answer stream_events(http::Request request);
  Answer stream_job(http::Request request);
  Answer list_runners(http::Request request);
  Answer list_audit(http::Request request);
  Answer list_outbox(http::Request request);
  Answer health(http::Request request);
  Answer readiness(http::Request request);
  Answer metrics(http::Request request);

  Answer rerun_run(http::Request request, store::ApiToken token);
  Answer rerun_job(http::Request request, store::ApiToken token);
  Answer cancel_run(http::Request request, store::ApiToken token);
  Answer approve_run(http::Request request, store::ApiToken token);
  Answer drain_runner(http::Request request, store::ApiToken token);
  Answer undrain_runner(http::Request request, store::ApiToken token);
  Answer act(http::Request request, store::ApiToken token, std::string action, std::string target, Operation operation);

  store::Store& store_;
  const Clock& clock_;
  Metrics& metrics_;
  ApiHints hints_;
  ApiOptions options_;
  KeptTexts curves_;  // of jobs that ended
  std::size_t streams_open_ = 0;
};

}  // namespace smgate::dashboard
