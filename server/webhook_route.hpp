// POST /webhooks/github: checks a delivery off the network thread, stores it, and only then answers 202. Everything
// else about it happens later, in the intake loop. Network thread; owned by the composition root.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>

#include "common/clock.hpp"
#include "server/config.hpp"
#include "server/http/router.hpp"
#include "server/store/store.hpp"

namespace smgate {

class WebhookRoute {
 public:
  // `stored` is called once a new delivery is durable and answered: wakes the intake loop.
  WebhookRoute(const Config& config, const Clock& clock, store::Store& store, boost::asio::thread_pool& workers,
               std::function<void()> stored);

  http::Route route();

 private:
  boost::asio::awaitable<http::Response> serve(http::Request request);

  const Config& config_;
  const Clock& clock_;
  store::Store& store_;
  boost::asio::thread_pool& workers_;
  std::function<void()> stored_;
};

}  // namespace smgate
