// A GitHub that remembers: on a real socket of the loopback, with the App's key pair, installation tokens that expire,
// check runs, comments and statuses, and faults that the test asks for. Every request is held against GitHub's own
// description. It has a thread of its own; the test may ask it anything at any time.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/clock.hpp"
#include "tests/support/github_api.hpp"

namespace smgate::test {

// What happens to the next request that is no request for a token.
struct Fault {
  enum class Kind { answer, cut_before, cut_after } kind = Kind::answer;  // cut: the effect is left out, or happens
  unsigned status = 500;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body = R"({"message": "as the test wished"})";
};

struct Seen {
  std::string method, path, authorization, body;
  unsigned status = 0;  // of the answer; 0: cut
};

class FakeGitHub {
 public:
  static constexpr std::int64_t kInstallation = 5;
  static constexpr std::size_t kRunsOfANameMax = 1000;

  explicit FakeGitHub(const Clock& clock);
  ~FakeGitHub();

  std::uint16_t port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::string private_key() const;  // PEM

  void fail_next(Fault fault);
  void refuse_tokens();  // those handed out so far are unknown from now on
  void delete_check_runs();

  std::vector<nlohmann::json> check_runs();
  std::vector<nlohmann::json> comments();
  std::vector<nlohmann::json> statuses();
  std::vector<Seen> seen();
  std::vector<std::string> mistakes();  // requests that GitHub's description does not allow

 private:
  struct Socket;
  struct Reply {
    unsigned status = 200;
    nlohmann::json body;
    std::vector<std::pair<std::string, std::string>> headers;
  };

  void serve();
  void serve_one();
  Reply reply_to(const Seen& request);
  Reply route(const Seen& request, const std::vector<std::string>& path, const std::string& query);
  Reply check_runs_route(const Seen& request, const std::vector<std::string>& path);
  Reply create_check_run(const nlohmann::json& body);
  Reply hand_out_token(const std::string& body);
  Reply list_page(const std::vector<nlohmann::json>& items, const std::string& query, const std::string& path);
  bool is_app(const std::string& authorization) const;
  bool is_installation(const std::string& authorization) const;

  const Clock& clock_;
  std::unique_ptr<Socket> socket_;
  std::uint16_t port_ = 0;
  std::mutex mutex_;  // over all below
  GithubApi api_;
  std::deque<Fault> faults_;
  std::map<std::string, std::int64_t> tokens_;  // token -> expires_ms
  int tokens_made_ = 0;
  std::int64_t next_id_ = 100;
  std::vector<nlohmann::json> check_runs_, comments_, statuses_;
  std::vector<Seen> seen_;
  std::vector<std::string> mistakes_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace smgate::test
