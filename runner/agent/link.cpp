#include "runner/agent/link.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <csignal>
#include <exception>
#include <functional>

#include "common/log.hpp"
#include "common/random.hpp"

namespace smgate::agent {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using asio::as_tuple;
using asio::awaitable;
using asio::use_awaitable;
using namespace asio::experimental::awaitable_operators;
using namespace std::chrono_literals;

namespace {

using Steady = std::chrono::steady_clock;
constexpr auto kConnectDeadline = 30s;   // each of: name, TCP, TLS, upgrade, welcome
constexpr auto kReconnectMin = 200ms;    // a restarted coordinator is back at once
constexpr auto kRefusedPause = 60s;      // a token that was refused needs a person
constexpr std::size_t kReasonMax = 500;  // of what a server says instead of an upgrade

// Why a connection ended, said once for the log.
struct Refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace

struct Link::Impl {
  Impl(LinkSettings the_settings, LinkPeer& the_peer) : settings(std::move(the_settings)), peer(the_peer) {}

  void end() {
    stopping = true;
    pause.cancel();
    tick.cancel();
    signals.cancel();
    if (close_connection) close_connection();
  }

  LinkSettings settings;
  LinkPeer& peer;
  asio::io_context io{1};
  asio::steady_timer writer{io};  // the writer sleeps on it
  asio::steady_timer pause{io};   // between two attempts
  asio::steady_timer tick{io};
  asio::signal_set signals{io};
  asio::ssl::context tls{asio::ssl::context::tls_client};
  SystemRandom random;
  std::function<void()> close_connection;  // while one stands
  bool stopping = false;
  bool welcomed = false;  // by the connection at hand
};

namespace {

using Impl = Link::Impl;

template <class Stream>
struct Connection {
  Impl* link;
  websocket::stream<Stream> socket;
  Steady::duration heartbeat{};
  Steady::time_point heartbeat_due = Steady::time_point::max();
  bool open = true;
  std::exception_ptr failure{};  // the first

  void shut() {
    open = false;
    beast::get_lowest_layer(socket).close();
    link->writer.cancel();
  }
  void fail(std::exception_ptr why) {
    if (open) failure = why;
    shut();
  }
};

websocket::stream_base::timeout timeouts(Steady::duration silence, bool ping) {
  return {kConnectDeadline, silence, ping};
}

template <class Stream>
void welcome(Connection<Stream>* connection, const protocol::Welcome& message) {
  connection->heartbeat = std::chrono::milliseconds(message.heartbeat_ms);
  connection->heartbeat_due = Steady::now() + connection->heartbeat;
  // A coordinator that is silent for a lease has given our jobs away: better dial again. Pings keep a quiet one heard.
  connection->socket.set_option(timeouts(std::chrono::milliseconds(message.lease_ms), true));
  if (!connection->link->welcomed)
    spdlog::info("connected heartbeat_ms={} lease_ms={}", message.heartbeat_ms, message.lease_ms);
  connection->link->welcomed = true;
}

template <class Stream>
awaitable<void> read_messages(Connection<Stream>* connection) {
  try {
    beast::flat_buffer buffer;
    while (connection->open) {
      co_await connection->socket.async_read(buffer, use_awaitable);
      const std::string_view text(static_cast<const char*>(buffer.data().data()), buffer.size());
      const auto message = protocol::parse_from_coordinator(text);
      if (!message) throw std::runtime_error(message.error().text());
      if (const auto* first = std::get_if<protocol::Welcome>(&*message)) welcome(connection, *first);
      connection->link->peer.receive(*message);
      buffer.consume(buffer.size());
      connection->link->writer.cancel();
    }
  } catch (...) {
    connection->fail(std::current_exception());
  }
}

template <class Stream>
awaitable<void> write_text(Connection<Stream>* connection, std::string text) {
  co_await connection->socket.async_write(asio::buffer(text), use_awaitable);
}

// Heartbeats first: items may be many, leases are short.
template <class Stream>
awaitable<void> write_messages(Connection<Stream>* connection) {
  Impl* link = connection->link;
  try {
    co_await write_text(connection, link->peer.hello());
    while (connection->open) {
      if (Steady::now() >= connection->heartbeat_due) {
        connection->heartbeat_due = Steady::now() + connection->heartbeat;
        co_await write_text(connection, link->peer.heartbeat());
      } else if (auto item = link->welcomed ? link->peer.next_item() : std::nullopt) {
        co_await write_text(connection, std::move(*item));
        link->peer.item_sent();
      } else {
        link->writer.expires_at(connection->heartbeat_due);
        co_await link->writer.async_wait(as_tuple(use_awaitable));
      }
    }
  } catch (...) {
    connection->fail(std::current_exception());
  }
}

template <class Stream>
awaitable<void> upgrade(Connection<Stream>* connection) {
  const LinkSettings& settings = connection->link->settings;
  connection->socket.set_option(timeouts(kConnectDeadline, false));
  connection->socket.read_message_max(protocol::kMessageBytesMax);
  connection->socket.set_option(websocket::stream_base::decorator(
      [authorization = "Bearer " + settings.token, agent = settings.user_agent](websocket::request_type& request) {
        request.set(http::field::authorization, authorization);
        request.set(http::field::user_agent, agent);
      }));
  websocket::response_type response;
  const auto [error] = co_await connection->socket.async_handshake(
      response, settings.address.host + ":" + settings.address.port, settings.address.target, as_tuple(use_awaitable));
  if (error == websocket::error::upgrade_declined) {
    const std::string said = response.body().substr(0, kReasonMax);
    if (response.result() == http::status::unauthorized || response.result() == http::status::forbidden)
      throw Refused(
          "the coordinator refuses this runner's token: create one with smgate-server token create, for this "
          "name and architecture; it said: " +
          said);
    throw std::runtime_error("the coordinator answered " + std::to_string(response.result_int()) + ": " + said);
  }
  if (error) throw boost::system::system_error(error);
}

template <class Stream>
awaitable<void> converse(Connection<Stream>* connection) {
  connection->link->welcomed = false;
  co_await upgrade(connection);
  co_await (read_messages(connection) && write_messages(connection));
  if (connection->failure) std::rethrow_exception(connection->failure);
}

awaitable<void> connect(Impl* link, beast::tcp_stream* stream) {
  asio::ip::tcp::resolver resolver(link->io);
  const auto addresses =
      co_await resolver.async_resolve(link->settings.address.host, link->settings.address.port, use_awaitable);
  stream->expires_after(kConnectDeadline);
  co_await stream->async_connect(addresses, use_awaitable);
  stream->socket().set_option(asio::ip::tcp::no_delay(true));
}

// close_connection must not outlive the connection that it closes.
struct Closer {
  Closer(Impl* the_link, std::function<void()> close) : link(the_link) { link->close_connection = std::move(close); }
  ~Closer() { link->close_connection = nullptr; }
  Closer(const Closer&) = delete;
  Closer& operator=(const Closer&) = delete;
  Impl* link;
};

awaitable<void> attempt_plain(Impl* link) {
  Connection<beast::tcp_stream> connection{link, websocket::stream<beast::tcp_stream>(link->io)};
  const Closer closer(link, [&connection] { connection.shut(); });
  co_await connect(link, &connection.socket.next_layer());
  connection.socket.next_layer().expires_never();  // the websocket has deadlines of its own
  co_await converse(&connection);
}

awaitable<void> attempt_tls(Impl* link) {
  using Stream = beast::ssl_stream<beast::tcp_stream>;
  Connection<Stream> connection{link, websocket::stream<Stream>(link->io, link->tls)};
  const Closer closer(link, [&connection] { connection.shut(); });
  Stream& stream = connection.socket.next_layer();
  const std::string& host = link->settings.address.host;
  if (SSL_set_tlsext_host_name(stream.native_handle(), host.c_str()) != 1) throw std::runtime_error("TLS: " + host);
  stream.set_verify_callback(asio::ssl::host_name_verification(host));
  co_await connect(link, &stream.next_layer());
  stream.next_layer().expires_after(kConnectDeadline);
  co_await stream.async_handshake(asio::ssl::stream_base::client, use_awaitable);
  stream.next_layer().expires_never();
  co_await converse(&connection);
}

awaitable<void> attempt(Impl* link) {
  if (link->settings.address.tls)
    co_await attempt_tls(link);
  else
    co_await attempt_plain(link);
}

void tell_failure(const Impl* link, const std::string& what) {
  if (link->stopping) return;
  spdlog::warn("not connected to the coordinator: {} host={} port={}", what, link->settings.address.host,
               link->settings.address.port);
}

// Returns whether the coordinator refuses us, which needs a person.
awaitable<bool> attempt_and_tell(Impl* link) {
  try {
    co_await attempt(link);
  } catch (const Refused& error) {
    if (!link->stopping) spdlog::error("{}", error.what());
    co_return true;
  } catch (const boost::system::system_error& error) {
    tell_failure(link, error.code().message());  // what() would name a source line of the library
  } catch (const std::exception& error) {
    tell_failure(link, error.what());
  }
  co_return false;
}

// Doubled at each failure, and by chance up to half less, so that a thousand runners do not dial as one.
Steady::duration jittered(Steady::duration pause, Random& random) {
  const auto ticks = static_cast<std::uint64_t>(pause.count());
  return Steady::duration(static_cast<Steady::rep>(ticks - random.below(ticks / 2 + 1)));
}

awaitable<void> stay_connected(Impl* link) {
  Steady::duration pause = kReconnectMin;
  while (!link->stopping) {
    const bool refused = co_await attempt_and_tell(link);
    if (link->stopping) break;
    if (link->welcomed) pause = kReconnectMin;
    link->welcomed = false;
    link->pause.expires_after(jittered(refused ? kRefusedPause : pause, link->random));
    pause = std::min<Steady::duration>(pause * 2, link->settings.reconnect_max);
    co_await link->pause.async_wait(as_tuple(use_awaitable));
  }
}

awaitable<void> keep_ticking(Impl* link) {
  while (!link->stopping) {
    link->tick.expires_after(kLinkTick);
    co_await link->tick.async_wait(as_tuple(use_awaitable));
    if (!link->stopping) link->peer.tick();
  }
}

awaitable<void> watch_signals(Impl* link) {
  link->signals.add(SIGTERM);
  link->signals.add(SIGINT);
  while (!link->stopping) {
    const auto [error, number] = co_await link->signals.async_wait(as_tuple(use_awaitable));
    if (!error) link->peer.signalled();
    link->writer.cancel();
  }
}

awaitable<void> live(Impl* link) {
  if (link->settings.watch_signals)
    co_await (stay_connected(link) && keep_ticking(link) && watch_signals(link));
  else
    co_await (stay_connected(link) && keep_ticking(link));
}

void rethrow(std::exception_ptr failure) {
  if (failure) std::rethrow_exception(failure);
}

}  // namespace

Link::Link(LinkSettings settings, LinkPeer& peer) : impl_(std::make_unique<Impl>(std::move(settings), peer)) {}

Link::~Link() = default;

void Link::run() {
  if (impl_->settings.address.tls) {
    impl_->tls.set_verify_mode(asio::ssl::verify_peer);
    if (impl_->settings.ca_file.empty())
      impl_->tls.set_default_verify_paths();
    else
      impl_->tls.load_verify_file(impl_->settings.ca_file.string());
  }
  asio::co_spawn(impl_->io, live(impl_.get()), rethrow);
  impl_->io.run();
}

void Link::wake() {
  asio::post(impl_->io, [link = impl_.get()] { link->writer.cancel(); });
}

void Link::stop() {
  asio::post(impl_->io, [link = impl_.get()] { link->end(); });
}

}  // namespace smgate::agent
