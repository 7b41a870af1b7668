#include "server/app.hpp"

#include <spdlog/fmt/fmt.h>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <utility>

#include "common/file.hpp"
#include "common/log.hpp"
#include "server/dashboard/page.hpp"
#include "server/result/record_item.hpp"

namespace smgate {
namespace {

namespace asio = boost::asio;

store::Store::Options store_options(const Config& config) {
  std::filesystem::create_directories(config.data_folder);
  std::filesystem::create_directories(config.database.parent_path());
  return {config.database, config.store_readers};
}

http::Deadlines deadlines(const Config& config) {
  http::Deadlines deadlines;
  deadlines.drain = std::chrono::milliseconds(config.drain_ms);
  return deadlines;
}

std::optional<http::Problem> explain(const std::exception& error) {
  if (dynamic_cast<const store::StoreBusy*>(&error) == nullptr) return std::nullopt;
  return http::Problem{503, "busy", "the store has more to write than it can take", "send it again in a few seconds"};
}

}  // namespace

App::App(Config config, const Clock& clock, Random& random)
    : config_(std::move(config)),
      clock_(clock),
      random_(random),
      store_(store_options(config_)),
      link_(io_.get_executor(), store_, clock_, result::record_item, {config_.lease_ms, config_.heartbeat_ms}),
      github_(
          io_.get_executor(), config_, clock_, store_, [this] { stages_.wake_intake(); },
          [this] { stages_.wake_for_keys(); }),
      stages_(io_.get_executor(), config_, clock_, random_, store_, link_, github_.keyring()),
      webhooks_(config_, clock_, store_, stages_.workers(), [this] { stages_.wake_intake(); }),
      api_(store_, clock_, metrics_,
           {[this](const RunnerName& runner) { return link_.registry().online(runner); },
            [this] { return running_ && !stopping_; }, [this] { return live_figures(); },
            [this](const store::ActionResult& result) { stages_.act_on(result); }},
           {config_.read_needs_token}),
      server_(
          io_.get_executor(), make_router(), deadlines(config_),
          [this](const std::string& pattern, unsigned status, std::chrono::milliseconds took) {
            metrics_.observe(pattern, status, took);
          },
          explain),
      loops_(io_.get_executor()),
      stoppers_(io_.get_executor()) {}

App::~App() { store_.close(); }

http::Router App::make_router() {
  http::Router router;
  router.add(webhooks_.route());
  router.add(link_.route());
  router.add(api_.routes());
  router.add(dashboard::page_routes());
  router.set_otherwise(dashboard::answer_with_page);
  return router;
}

dashboard::LiveFigures App::live_figures() const {
  dashboard::LiveFigures figures;
  figures.connections = server_.open_connections();
  for (const session::LiveSession& session : link_.registry().all()) ++figures.runners_online[session.arch];
  figures.stage_failures = stages_.failures();
  figures.stage_failures.merge(github_.failures());
  return figures;
}

std::string App::url() const {
  if (!config_.public_url.empty()) return config_.public_url;
  const bool ipv6 = config_.address.find(':') != std::string::npos;
  return ipv6 ? fmt::format("http://[{}]:{}", config_.address, port_)
              : fmt::format("http://{}:{}", config_.address, port_);
}

std::uint16_t App::start() {
  port_ = server_.listen(config_.address, config_.port).port();
  if (config_.port_file) write_file_durably(*config_.port_file, std::to_string(port_) + "\n");
  running_ = true;
  server_.start();
  github_.start(loops_);
  stages_.start(loops_);
  return port_;
}

void App::run() {
  io_.run();
  stages_.join();
  store_.close();
}

void App::stop() {
  asio::post(io_, [this] {
    if (std::exchange(stopping_, true)) return;
    stoppers_.spawn("shutdown", shut_down());
  });
}

// First those who ask, then those who work: an answer that was begun still finds every stage.
asio::awaitable<void> App::shut_down() {
  spdlog::info("stopping");
  boost::system::error_code ignored;
  signals_.cancel(ignored);
  co_await server_.stop();
  spdlog::debug("connections are closed");
  loops_.cancel();
  co_await loops_.wait();
  spdlog::debug("stages have ended");
}

void App::stop_on_signals(std::function<void()> stopping) {
  signals_.add(SIGTERM);
  signals_.add(SIGINT);
  signals_.async_wait([this, stopping = std::move(stopping)](const boost::system::error_code& error, int) {
    if (error) return;
    stopping();
    stop();
  });
}

}  // namespace smgate
