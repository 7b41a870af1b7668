// The real coordinator on a free port of the loopback, with a scratch database, a git repository, GitHub's side of a
// webhook, and runners that do what the test tells them. One thread of the test drives it; the server has its own.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "common/clock.hpp"
#include "common/protocol/messages.hpp"
#include "common/random.hpp"
#include "server/app.hpp"
#include "tests/support/git_repository.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/scratch.hpp"

namespace smgate::test {

inline constexpr const char* kSecret = "a secret that only GitHub and the server know";
inline constexpr const char* kRepository = "acme/kernels";

// A runner's side of /runner/v1.
class FakeRunner {
 public:
  FakeRunner(std::uint16_t port, std::string token) : port_(port), token_(std::move(token)) {}

  std::optional<HttpAnswer> connect();
  void say(const protocol::FromRunner& message) { socket_.send(protocol::to_text(message)); }
  protocol::FromCoordinator hear() { return protocol::parse_from_coordinator(socket_.receive()).value(); }
  template <class Message>
  Message hear_a() {
    const protocol::FromCoordinator message = hear();
    const auto* wanted = std::get_if<Message>(&message);
    if (wanted == nullptr) throw std::runtime_error("another message came: " + protocol::to_text(message));
    return *wanted;
  }
  // Connects and says Hello; the Welcome.
  protocol::Welcome join(const std::string& name, const std::string& arch,
                         const std::vector<protocol::HeldJob>& held = {});
  // Sends an item of the job and waits for its acknowledgement.
  void report(const protocol::Assign& job, std::uint64_t seq, protocol::ItemBody body);
  WebSocketClient& socket() { return socket_; }

 private:
  std::uint16_t port_;
  std::string token_;
  WebSocketClient socket_;
};

class ServerTest : public testing::Test {
 protected:
  explicit ServerTest(bool read_needs_token = false);
  // `others`: names of repositories that are ours, too.
  explicit ServerTest(const std::set<std::string>& others, bool read_needs_token = false);
  ~ServerTest() override;

  void stop();  // as SIGTERM does; returns when nothing is left
  std::uint16_t port() const { return port_; }
  store::Store& store() { return app_->store(); }
  const http::Router& router() const { return app_->router(); }
  GitRepository& repository() { return repository_; }
  std::filesystem::path database_file() const { return scratch_ / "data/smgate.db"; }

  std::string make_token(const std::string& runner, const std::string& arch);
  std::string make_api_token(const std::string& name, const std::set<std::string>& scopes);
  // Connected, welcomed and free.
  std::unique_ptr<FakeRunner> runner(const std::string& name, const std::string& arch);

  // POSTs a delivery, signed unless a signature is given.
  HttpAnswer deliver(const std::string& event, const std::string& body, const std::string& delivery,
                     const std::optional<std::string>& signature = std::nullopt);
  // Commits a gate file for this architecture to main and delivers the push of it; the commit.
  CommitSha push(const std::string& arch = "sm_89", const std::string& delivery = "d-1");
  std::string push_payload(const CommitSha& commit) const;

  // GET, held against openapi.yaml.
  HttpAnswer get(const std::string& target, const Headers& headers = {});
  nlohmann::json get_json(const std::string& target);
  // POST by a token, held against openapi.yaml.
  HttpAnswer post(const std::string& target, const std::string& token, const std::string& body = "");
  std::size_t run_count() { return get_json("/api/v1/runs")["runs"].size(); }
  // Asks again until `condition` holds of the answer; fails the test after a while.
  nlohmann::json get_when(const std::string& target, const std::function<bool(const nlohmann::json&)>& condition);

 private:
  Scratch scratch_;
  GitRepository repository_;
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<App> app_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace smgate::test
