#include "tests/support/server_fixture.hpp"

#include <chrono>

#include "common/digest.hpp"
#include "server/store/api_tokens.hpp"
#include "server/store/runners.hpp"
#include "tests/support/openapi.hpp"

namespace smgate::test {
namespace {

constexpr std::chrono::seconds kPatience{60};

Config config(const Scratch& scratch, const GitRepository& repository) {
  Config config;
  config.port = 0;
  config.data_folder = scratch / "data";
  config.database = scratch / "data/smgate.db";
  config.webhook_secret = kSecret;
  config.emulated_satisfies_required = true;
  config.repositories = {{kRepository, repository.url()}};
  return config;
}

std::string gate_file(const std::string& arch) {
  return nlohmann::json{
      {"version", 1},
      {"architectures", {arch}},
      {"stages", {{{"name", "smoke"}, {"command", {"./smoke"}}, {"timeout_s", 60}, {"contract", "both"}}}}}
      .dump();
}

}  // namespace

std::optional<HttpAnswer> FakeRunner::connect() {
  return socket_.connect(port_, "/runner/v1", {{"Authorization", "Bearer " + token_}});
}

protocol::Welcome FakeRunner::join(const std::string& name, const std::string& arch,
                                   const std::vector<protocol::HeldJob>& held) {
  if (const auto refused = connect()) throw std::runtime_error("refused: " + refused->body);
  protocol::Hello hello;
  hello.runner = {name};
  hello.arch = {arch};
  hello.host = "test";
  hello.version = "0";
  hello.device = {"emulated", 1U << 30U, false, true};
  hello.held = held;
  say(hello);
  return hear_a<protocol::Welcome>();
}

void FakeRunner::report(const protocol::Assign& job, std::uint64_t seq, protocol::ItemBody body) {
  say(protocol::Item{job.job, job.lease, seq, std::move(body)});
  const auto ack = hear_a<protocol::Ack>();
  if (ack.job != job.job || ack.seq != seq) throw std::runtime_error("another item was acknowledged");
}

ServerTest::ServerTest(bool read_needs_token) : ServerTest(std::set<std::string>{}, read_needs_token) {}

ServerTest::ServerTest(const std::set<std::string>& others, bool read_needs_token)
    : repository_(scratch_ / "repository") {
  Config configured = config(scratch_, repository_);
  configured.read_needs_token = read_needs_token;
  for (const std::string& name : others) configured.repositories.emplace(name, repository_.url());
  app_ = std::make_unique<App>(std::move(configured), clock_, random_);
  port_ = app_->start();
  thread_ = std::thread([this] { app_->run(); });
}

ServerTest::~ServerTest() { stop(); }

void ServerTest::stop() {
  if (!thread_.joinable()) return;
  app_->stop();
  thread_.join();
}

std::string ServerTest::make_token(const std::string& runner, const std::string& arch) {
  return app_->store().write(
      [&](store::Tx& tx) { return store::create_runner_token(tx, {runner}, {arch}, clock_.now_ms(), random_); });
}

std::string ServerTest::make_api_token(const std::string& name, const std::set<std::string>& scopes) {
  return app_->store().write(
      [&](store::Tx& tx) { return store::create_api_token(tx, name, scopes, clock_.now_ms(), random_); });
}

HttpAnswer ServerTest::post(const std::string& target, const std::string& token, const std::string& body) {
  HttpAnswer answer = http_request(port_, "POST", target, {{"Authorization", "Bearer " + token}}, body);
  EXPECT_EQ(OpenApi::of_project().mistakes("POST", target, answer), "") << target << "\n" << answer.body;
  return answer;
}

std::unique_ptr<FakeRunner> ServerTest::runner(const std::string& name, const std::string& arch) {
  auto made = std::make_unique<FakeRunner>(port_, make_token(name, arch));
  made->join(name, arch);
  return made;
}

HttpAnswer ServerTest::deliver(const std::string& event, const std::string& body, const std::string& delivery,
                               const std::optional<std::string>& signature) {
  Headers headers = {{"Content-Type", "application/json"},
                     {"X-Hub-Signature-256", signature.value_or("sha256=" + hmac_sha256_hex(kSecret, body))}};
  if (!event.empty()) headers["X-GitHub-Event"] = event;
  if (!delivery.empty()) headers["X-GitHub-Delivery"] = delivery;
  HttpAnswer answer = http_request(port_, "POST", "/webhooks/github", headers, body);
  EXPECT_EQ(OpenApi::of_project().mistakes("POST", "/webhooks/github", answer), "");
  return answer;
}

std::string ServerTest::push_payload(const CommitSha& commit) const {
  return nlohmann::json{{"ref", "refs/heads/main"},
                        {"before", std::string(40, '0')},
                        {"after", commit.value},
                        {"deleted", false},
                        {"repository",
                         {{"full_name", kRepository},
                          {"clone_url", "https://github.invalid/acme/kernels.git"},
                          {"default_branch", "main"},
                          {"pushed_at", 1'700'000'000}}}}
      .dump();
}

CommitSha ServerTest::push(const std::string& arch, const std::string& delivery) {
  const CommitSha commit = repository_.commit({{".smgate.json", gate_file(arch)}, {"delivery", delivery}});
  EXPECT_EQ(deliver("push", push_payload(commit), delivery).status, 202U);
  return commit;
}

HttpAnswer ServerTest::get(const std::string& target, const Headers& headers) {
  HttpAnswer answer = http_get(port_, target, headers);
  const std::string path = target.substr(0, target.find('?'));
  EXPECT_EQ(OpenApi::of_project().mistakes("GET", path, answer), "") << target << "\n" << answer.body;
  return answer;
}

nlohmann::json ServerTest::get_json(const std::string& target) {
  const HttpAnswer answer = get(target);
  EXPECT_EQ(answer.status, 200U) << answer.body;
  return nlohmann::json::parse(answer.body);
}

nlohmann::json ServerTest::get_when(const std::string& target,
                                    const std::function<bool(const nlohmann::json&)>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    nlohmann::json value = nlohmann::json::parse(http_get(port_, target).body);
    if (condition(value)) {
      get(target);  // and held against the description once
      return value;
    }
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("waited in vain: " + value.dump());
  }
}

}  // namespace smgate::test
