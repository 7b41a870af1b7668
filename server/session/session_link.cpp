#include "server/session/session_link.hpp"

#include <chrono>
#include <exception>
#include <optional>
#include <utility>
#include <variant>

#include "common/crash_point.hpp"
#include "common/log.hpp"
#include "server/http/task_group.hpp"
#include "server/store/crash_points.hpp"
#include "server/store/store_async.hpp"

namespace smgate::session {
namespace {

namespace asio = boost::asio;
using http::CloseCode;
using http::Request;
using http::Response;

constexpr std::string_view kBearer = "Bearer ";

Response refuse(unsigned status, const std::string& slug, const std::string& detail, const std::string& next,
                const Request& request) {
  Response response = http::problem_response({status, slug, detail, next}, request.path);
  if (status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"smgate runner\"");
  if (status == 426) response.headers.emplace_back("Upgrade", "websocket");
  return response;
}

void crash_point_after_sending(const protocol::FromCoordinator& message) {
  if (std::holds_alternative<protocol::Assign>(message)) crash_point(store::kAssignSent);
  if (std::holds_alternative<protocol::Ack>(message)) crash_point(store::kItemAcked);
  if (std::holds_alternative<protocol::Cancel>(message)) crash_point(store::kCancelsSent);
}

asio::awaitable<void> write_loop(http::WebSocket* socket, std::shared_ptr<Outbox> outbox) {
  while (std::optional<protocol::FromCoordinator> message = co_await outbox->next()) {
    const bool written = co_await socket->write(protocol::to_text(*message));
    if (!written) co_return;
    crash_point_after_sending(*message);
  }
  co_await socket->close(outbox->close_code(), outbox->close_reason());
}

Result<protocol::Hello> parse_hello(const std::string& text) {
  Result<protocol::FromRunner> message = protocol::parse_from_runner(text);
  if (!message) return message.error();
  if (auto* hello = std::get_if<protocol::Hello>(&*message)) return std::move(*hello);
  return Error{"the first message is no Hello", "", "say Hello first"};
}

}  // namespace

SessionLink::SessionLink(asio::any_io_executor executor, store::Store& store, const Clock& clock, ItemSink sink,
                         LinkConfig config)
    : executor_(std::move(executor)), store_(store), clock_(clock), sink_(std::move(sink)), config_(config) {}

http::Route SessionLink::route() {
  return {"GET", "/runner/v1", [this](Request request) { return authenticate(std::move(request)); }, 0};
}

asio::awaitable<Response> SessionLink::authenticate(Request request) {
  const std::string header = request.header("authorization").value_or("");
  if (header.rfind(kBearer, 0) != 0)
    co_return refuse(401, "no-token", "there is no runner token in the Authorization header",
                     "send \"Authorization: Bearer TOKEN\"; smgate-server token create makes one", request);
  const std::string token = header.substr(kBearer.size());
  const std::optional<store::Runner> runner =
      co_await store::read(store_, [&token](store::ReadTx& tx) { return store::find_runner_by_token(tx, token); });
  if (!runner)
    co_return refuse(401, "unknown-token", "this runner token is not known, or was revoked",
                     "make a new one: smgate-server token create --runner NAME --arch ARCH", request);
  if (!request.wants_websocket)
    co_return refuse(426, "websocket-only", "runners talk over a WebSocket here", "send a WebSocket upgrade", request);
  Response response;
  response.status = 101;
  auto upgrade = std::make_shared<http::Upgrade>();
  upgrade->serve = [this, found = *runner](http::WebSocket& socket) { return serve(&socket, found); };
  upgrade->silence_max = std::chrono::milliseconds(config_.lease_ms);
  upgrade->message_bytes_max = protocol::kMessageBytesMax;
  response.upgrade = std::move(upgrade);
  co_return response;
}

asio::awaitable<void> SessionLink::serve(http::WebSocket* socket, store::Runner runner) {
  LiveSession session;
  session.number = registry_.new_number();
  session.outbox = std::make_shared<Outbox>(executor_, socket);
  const bool welcomed = co_await welcome(socket, runner, &session);
  if (welcomed) co_await converse(socket, session);
  session.outbox->detach();
}

// The order matters. An older session leaves the registry before Hello's transaction: what the scheduler leased to it
// until then is older than Hello, which sees the lease and gives the job back if the runner never got it.
asio::awaitable<bool> SessionLink::welcome(http::WebSocket* socket, store::Runner runner, LiveSession* session) {
  const std::optional<std::string> text = co_await socket->read();
  if (!text) co_return false;
  const Result<protocol::Hello> hello = parse_hello(*text);
  if (!hello) {
    co_await socket->close(CloseCode::policy_violation, hello.error().text());
    co_return false;
  }
  registry_.replace(runner.name);
  const std::int64_t now_ms = clock_.now_ms();
  const std::int64_t lease_ms = config_.lease_ms;
  const auto standings = co_await store::write(store_, [&runner, &hello, lease_ms, now_ms](store::Tx& tx) {
    return std::optional(say_hello(tx, runner, *hello, lease_ms, now_ms));
  });
  if (!*standings) {
    spdlog::warn("refused a runner runner={} what=\"{}\"", runner.name.value, standings->error().text());
    co_await socket->close(CloseCode::policy_violation, standings->error().text());
    co_return false;
  }
  crash_point(store::kHelloStored);
  session->outbox->push(protocol::Welcome{config_.heartbeat_ms, config_.lease_ms});
  for (protocol::FromCoordinator& answer : answers_to_hello(**standings)) session->outbox->push(std::move(answer));
  session->runner = runner.name;
  session->arch = runner.arch;
  session->emulated = hello->device.emulated;
  session->slots = hello->slots;
  session->draining = hello->draining;
  co_return true;
}

asio::awaitable<void> SessionLink::converse(http::WebSocket* socket, LiveSession session) {
  http::TaskGroup writer(executor_);
  writer.spawn("session writer", write_loop(socket, session.outbox));
  std::string why;
  if (registry_.add(session)) {
    spdlog::info("runner connected runner={} arch={} slots={}", session.runner.value, session.arch.value,
                 session.slots);
    hints_.runner_ready();
    try {
      co_await read_loop(socket, session);
    } catch (const std::exception& error) {
      why = error.what();
    }
    registry_.remove(session.runner, session.number);
    spdlog::info("runner disconnected runner={}{}{}", session.runner.value, why.empty() ? "" : " what=", why);
  }
  session.outbox->close(why.empty() ? CloseCode::normal : CloseCode::try_again_later, why);
  co_await writer.wait();
}

asio::awaitable<void> SessionLink::read_loop(http::WebSocket* socket, LiveSession session) {
  while (std::optional<std::string> text = co_await socket->read()) {
    Result<protocol::FromRunner> message = protocol::parse_from_runner(*text);
    if (!message) {
      session.outbox->close(CloseCode::policy_violation, message.error().text());
      co_return;
    }
    if (auto* heartbeat = std::get_if<protocol::Heartbeat>(&*message)) {
      note_heartbeat(session, std::move(*heartbeat));
    } else if (auto* item = std::get_if<protocol::Item>(&*message)) {
      const bool go_on = co_await take(session, std::move(*item));
      if (!go_on) co_return;
    } else {
      session.outbox->close(CloseCode::policy_violation, "Hello is said once");
      co_return;
    }
  }
}

asio::awaitable<bool> SessionLink::take(LiveSession session, protocol::Item item) {
  const std::int64_t now_ms = clock_.now_ms();
  const ItemAnswer answer = co_await store::write(store_, [this, &session, &item, now_ms](store::Tx& tx) {
    return take_item(tx, session.runner, item, sink_, now_ms);
  });
  if (answer.fate == ItemFate::refused) {
    spdlog::warn("refused an item runner={} job={} seq={} what=\"{}\"", session.runner.value, item.job.value, item.seq,
                 answer.reason);
    session.outbox->push(protocol::Refuse{item.job, item.lease, answer.reason});
    co_return true;
  }
  if (answer.fate == ItemFate::gap) {
    session.outbox->close(CloseCode::policy_violation, answer.reason);
    co_return false;
  }
  crash_point(store::kItemStored);
  session.outbox->push(protocol::Ack{item.job, item.lease, answer.acked_seq});
  if (answer.end == store::AttemptEnd::none) co_return true;
  crash_point(answer.end == store::AttemptEnd::requeued ? store::kJobRequeued : store::kJobReported);
  hints_.attempt_ended(answer.end, answer.run);
  hints_.runner_ready();
  co_return true;
}

void SessionLink::note_heartbeat(const LiveSession& session, protocol::Heartbeat heartbeat) {
  registry_.set_draining(session.runner, heartbeat.draining);
  heartbeats_.insert_or_assign(session.runner, std::move(heartbeat));
}

asio::awaitable<bool> SessionLink::flush_heartbeats() {
  if (heartbeats_.empty()) co_return false;
  const auto heartbeats = std::exchange(heartbeats_, {});
  std::vector<Renewal> renewals;
  for (const auto& [runner, heartbeat] : heartbeats)
    for (const protocol::HeldJob& held : heartbeat.held) renewals.push_back({runner, held});
  const std::int64_t now_ms = clock_.now_ms();
  const std::int64_t lease_ms = config_.lease_ms;
  const std::vector<HeldStanding> standings =
      co_await store::write(store_, [&heartbeats, &renewals, lease_ms, now_ms](store::Tx& tx) {
        for (const auto& [runner, heartbeat] : heartbeats) store::touch_runner(tx, runner, heartbeat.draining, now_ms);
        return renew_leases(tx, renewals, lease_ms, now_ms);
      });
  crash_point(store::kLeasesRenewed);
  for (std::size_t i = 0; i < standings.size(); ++i)
    if (standings[i].standing != Standing::good) registry_.send(renewals[i].runner, message_for(standings[i]));
  co_return true;
}

}  // namespace smgate::session
