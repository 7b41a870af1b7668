// The table of the API's addresses: a test holds it against schemas/openapi.yaml.
#include <utility>

#include "server/dashboard/api.hpp"

namespace smgate::dashboard {

constexpr std::size_t kActionBytesMax = 4096;  // a commit in JSON

Api::Api(store::Store& store, const Clock& clock, Metrics& metrics, ApiHints hints, ApiOptions options)
    : store_(store), clock_(clock), metrics_(metrics), hints_(std::move(hints)), options_(options) {}

std::vector<http::Route> Api::routes() {
  const auto open = [this](const char* pattern, Read method) {
    return http::Route{"GET", pattern,
                       [this, method](http::Request request) { return (this->*method)(std::move(request)); }, 0};
  };
  const auto get = [this](const char* pattern, Read method) {
    return http::Route{"GET", pattern,
                       [this, method](http::Request request) { return guard_read(std::move(request), method); }, 0};
  };
  const auto post = [this](const char* pattern, const char* scope, Act method) {
    return http::Route{
        "POST", pattern,
        [this, method, scope](http::Request request) { return guard_act(std::move(request), scope, method); },
        kActionBytesMax};
  };
  const http::Route audit{"GET", "/api/v1/audit",
                          [this](http::Request request) { return guard_always(std::move(request), &Api::list_audit); },
                          0};
  return {get("/api/v1/runs", &Api::list_runs),
          get("/api/v1/runs/{id}", &Api::show_run),
          get("/api/v1/runs/{id}/coverage", &Api::show_coverage),
          get("/api/v1/runs/{id}/diff", &Api::compare_runs),
          get("/api/v1/jobs/{id}", &Api::show_job),
          get("/api/v1/jobs/{id}/curve", &Api::show_curve),
          get("/api/v1/jobs/{id}/curve.svg", &Api::draw_curve),
          get("/api/v1/jobs/{id}/log", &Api::show_log),
          get("/api/v1/jobs/{id}/stream", &Api::stream_job),
          get("/api/v1/curves", &Api::show_curves),
          get("/api/v1/board", &Api::show_board),
          get("/api/v1/trends", &Api::show_trends),
          get("/api/v1/queue", &Api::show_queue),
          get("/api/v1/events", &Api::stream_events),
          get("/api/v1/runners", &Api::list_runners),
          get("/api/v1/outbox", &Api::list_outbox),
          get("/badge/{owner}/{repo}/{branch}.svg", &Api::show_badge),
          audit,
          post("/api/v1/runs/{id}/rerun", "rerun", &Api::rerun_run),
          post("/api/v1/runs/{id}/cancel", "cancel", &Api::cancel_run),
          post("/api/v1/runs/{id}/approve", "approve", &Api::approve_run),
          post("/api/v1/jobs/{id}/rerun", "rerun", &Api::rerun_job),
          post("/api/v1/runners/{name}/drain", "drain", &Api::drain_runner),
          post("/api/v1/runners/{name}/undrain", "drain", &Api::undrain_runner),
          open("/healthz", &Api::health),
          open("/readyz", &Api::readiness),
          open("/metrics", &Api::metrics)};
}

}  // namespace smgate::dashboard
