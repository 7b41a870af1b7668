// The connection around session_steps: authenticates a runner by its token, runs one session a runner over a WebSocket
// (a reader, and a writer with a bounded outbox), and collects heartbeats, which are written once a second for all
// runners together. Network thread; owned by the composition root, outlives the web server.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "common/clock.hpp"
#include "server/http/router.hpp"
#include "server/session/session_registry.hpp"
#include "server/session/session_steps.hpp"
#include "server/store/store.hpp"

namespace smgate::session {

struct LinkConfig {
  std::int64_t lease_ms = 60'000;
  std::int64_t heartbeat_ms = 5'000;
};

// Hints to the stages around; each may be called often.
struct LinkHints {
  std::function<void()> runner_ready;  // connected, or free again
  std::function<void(store::AttemptEnd end, const RunId& run)> attempt_ended;
};

class SessionLink {
 public:
  SessionLink(boost::asio::any_io_executor executor, store::Store& store, const Clock& clock, ItemSink sink,
              LinkConfig config);

  void set_hints(LinkHints hints) { hints_ = std::move(hints); }  // before the first session
  http::Route route();                                            // GET /runner/v1
  SessionRegistry& registry() { return registry_; }
  const SessionRegistry& registry() const { return registry_; }

  // One transaction for the heartbeats since the last call; what is refused or cancelled is told. False: there were
  // none.
  boost::asio::awaitable<bool> flush_heartbeats();

 private:
  boost::asio::awaitable<http::Response> authenticate(http::Request request);
  boost::asio::awaitable<void> serve(http::WebSocket* socket, store::Runner runner);
  boost::asio::awaitable<bool> welcome(http::WebSocket* socket, store::Runner runner, LiveSession* session);
  boost::asio::awaitable<void> converse(http::WebSocket* socket, LiveSession session);
  boost::asio::awaitable<void> read_loop(http::WebSocket* socket, LiveSession session);
  boost::asio::awaitable<bool> take(LiveSession session, protocol::Item item);
  void note_heartbeat(const LiveSession& session, protocol::Heartbeat heartbeat);

  boost::asio::any_io_executor executor_;
  store::Store& store_;
  const Clock& clock_;
  ItemSink sink_;
  LinkConfig config_;
  LinkHints hints_;
  SessionRegistry registry_;
  std::map<RunnerName, protocol::Heartbeat> heartbeats_;  // the newest of each runner since the last flush
};

}  // namespace smgate::session
