// The composition root: the coordinator as one object, its members in the order they depend on each other. Read this
// first: it is the map. Every stage is a library of its own; only this file, stages.hpp and main know them all.
//
//   POST /webhooks/github -> intake -> source -> scheduler -> session <-> runners -> result -> verdict
//   GitHub <- sender <- outbox rows;  GitHub -> recovery -> intake, what webhooks did not tell
//   GET /api/v1/...       <- dashboard <- rows
//
// One network thread runs everything but SQLite (the store's threads), git and judging (worker threads). run() blocks;
// stop() may be called from any thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <cstdint>
#include <functional>
#include <string>

#include "common/clock.hpp"
#include "common/random.hpp"
#include "server/config.hpp"
#include "server/dashboard/api.hpp"
#include "server/dashboard/metrics.hpp"
#include "server/github_stages.hpp"
#include "server/http/server.hpp"
#include "server/http/task_group.hpp"
#include "server/session/session_link.hpp"
#include "server/stages.hpp"
#include "server/store/store.hpp"
#include "server/webhook_route.hpp"

namespace smgate {

class App {
 public:
  // Opens the store (throws store::DatabaseError) and makes the data folder. Nothing runs yet.
  App(Config config, const Clock& clock, Random& random);
  ~App();

  // Listens and starts the stages; the port actually bound. Throws where the address is taken.
  std::uint16_t start();
  // Until stop() has been called and everything has ended.
  void run();
  void stop();
  // SIGTERM and SIGINT call stop(); `stopping` is called first. For main.
  void stop_on_signals(std::function<void()> stopping);

  std::string url() const;
  const http::Router& router() const { return server_.router(); }
  store::Store& store() { return store_; }

 private:
  http::Router make_router();
  dashboard::LiveFigures live_figures() const;
  boost::asio::awaitable<void> shut_down();

  const Config config_;
  const Clock& clock_;
  Random& random_;
  boost::asio::io_context io_{1};
  boost::asio::signal_set signals_{io_};
  store::Store store_;
  session::SessionLink link_;
  Stages stages_;
  GithubStages github_;
  WebhookRoute webhooks_;
  dashboard::Metrics metrics_;
  dashboard::Api api_;
  http::Server server_;
  http::TaskGroup loops_;     // the stages
  http::TaskGroup stoppers_;  // shut_down itself
  std::uint16_t port_ = 0;
  bool running_ = false;
  bool stopping_ = false;
};

}  // namespace smgate
