#include "server/webhook_route.hpp"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "common/crash_point.hpp"
#include "common/log.hpp"
#include "server/http/server.hpp"
#include "server/intake/intake.hpp"
#include "server/intake/webhook.hpp"
#include "server/store/crash_points.hpp"
#include "server/store/store_async.hpp"
#include "server/worker_pool.hpp"

namespace smgate {
namespace {

namespace asio = boost::asio;
using intake::Refused;

static_assert(http::kWebhookBytesMax == intake::kPayloadBytesMax);

struct Nothing {  // well signed, well formed, and nothing to do
  store::Delivery delivery;
  std::string reason;
};
using Checked = std::variant<store::Delivery, Nothing, Refused>;

Checked check(const Config& config, http::Request& request, std::int64_t now_ms) {
  const intake::WebhookHeaders headers{request.header("x-github-event"), request.header("x-github-delivery"),
                                       request.header("x-hub-signature-256")};
  auto checked = intake::check_delivery(config.webhook_secret, headers, std::move(request.body), now_ms);
  if (auto* refused = std::get_if<Refused>(&checked)) return std::move(*refused);
  auto& delivery = std::get<store::Delivery>(checked);
  const Result<intake::Webhook> webhook = intake::parse_webhook(delivery.event, delivery.payload);
  if (!webhook) return Refused{400, webhook.error().text()};
  if (const auto* ignored = std::get_if<intake::Ignored>(&*webhook))
    return Nothing{std::move(delivery), ignored->reason};
  const intake::RepositoryRef* repository = intake::repository_of(*webhook);
  if (repository != nullptr && !config.repositories.contains(repository->full_name))
    return Nothing{std::move(delivery),
                   "the repository " + repository->full_name + " is not in this server's configuration"};
  return std::move(delivery);
}

http::Response refusal(const Refused& refused, const std::string& path) {
  const bool signature = refused.status == 401;
  return http::problem_response(
      {static_cast<unsigned>(refused.status), signature ? "wrong-signature" : "bad-delivery", refused.what,
       signature ? "sign the raw body with the webhook's secret, as this server knows it"
                 : "send what GitHub sends: the three headers, and a JSON body (content type application/json)"},
      path);
}

http::Response accepted(const DeliveryId& delivery, const intake::Accepted& outcome) {
  nlohmann::json answer = {{"delivery", delivery.value}, {"status", outcome.is_new ? "accepted" : "known"}};
  if (!outcome.is_new && !outcome.status.outcome.empty()) answer["reason"] = outcome.status.outcome;
  if (outcome.status.run) answer["run"] = outcome.status.run->value;
  return http::json_response(202, answer);
}

}  // namespace

WebhookRoute::WebhookRoute(const Config& config, const Clock& clock, store::Store& store, asio::thread_pool& workers,
                           std::function<void()> stored)
    : config_(config), clock_(clock), store_(store), workers_(workers), stored_(std::move(stored)) {}

http::Route WebhookRoute::route() {
  return {"POST", "/webhooks/github", [this](http::Request request) { return serve(std::move(request)); },
          http::kWebhookBytesMax};
}

asio::awaitable<http::Response> WebhookRoute::serve(http::Request request) {
  const std::int64_t now_ms = clock_.now_ms();
  const Checked checked =
      co_await on_pool(workers_, [this, &request, now_ms] { return check(config_, request, now_ms); });
  if (const auto* refused = std::get_if<Refused>(&checked)) {
    spdlog::warn("refused a webhook from={} status={} what=\"{}\"", request.remote, refused->status, refused->what);
    co_return refusal(*refused, request.path);
  }
  if (const auto* nothing = std::get_if<Nothing>(&checked)) {
    co_await store::write(store_,
                          [nothing](store::Tx& tx) { intake::store_ignored(tx, nothing->delivery, nothing->reason); });
    co_return http::json_response(
        200, {{"delivery", nothing->delivery.id.value}, {"status", "ignored"}, {"reason", nothing->reason}});
  }
  const auto& delivery = std::get<store::Delivery>(checked);
  const intake::Accepted outcome =
      co_await store::write(store_, [&delivery](store::Tx& tx) { return intake::accept_delivery(tx, delivery); });
  crash_point(store::kDeliveryStored);
  http::Response response = accepted(delivery.id, outcome);
  response.after = [this] {
    crash_point(store::kDeliveryAnswered);
    stored_();
  };
  co_return response;
}

}  // namespace smgate
