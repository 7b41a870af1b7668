// A GitHub that remembers: on a real socket of the loopback, with the App's key pair, installation tokens that expire,
// check runs, comments and statuses, the hook's deliveries, pull requests and refs, conditional requests, TLS, and
// faults that the test asks for. Every request, and every answer of its own, is held against GitHub's own description.
// It has a thread of its own; the test may ask it anything at any time. In two files: fake_github.cpp is the wire and
// who may ask, the other what is there.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
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

// What happens to the next request that is no request for a token. cut: the effect is left out, or happens;
// cut_midway: half of an answer comes; silent: nothing does, until the other side leaves.
struct Fault {
  enum class Kind { answer, cut_before, cut_after, cut_midway, silent } kind = Kind::answer;
  unsigned status = 500;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body = R"({"message": "as the test wished"})";
};

struct Seen {
  std::string method, path, authorization, body, if_none_match;
  unsigned status = 0;  // of the answer; 0: cut
};

// An attempt to deliver a webhook, newest last.
struct HookAttempt {
  std::int64_t id = 0;
  std::string guid, event, body;
  unsigned status_code = 0;  // 0: no answer
  std::int64_t delivered_ms = 0;
  bool redelivery = false;
};

nlohmann::json pull_item(int number, const std::string& head, const std::string& base, const std::string& updated_at,
                         const std::string& head_repository = "acme/kernels");
nlohmann::json ref_item(const std::string& ref, const std::string& sha);

// The certificate that it shows, signed by itself.
enum class FakeTls { none, of_loopback, of_another_host };

class FakeGitHub {
 public:
  static constexpr std::int64_t kInstallation = 5;
  static constexpr std::size_t kRunsOfANameMax = 1000;

  explicit FakeGitHub(const Clock& clock, FakeTls tls = FakeTls::none);
  ~FakeGitHub();

  std::uint16_t port() const { return port_; }
  std::string url() const { return (tls_ ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port_); }
  std::string private_key() const;  // PEM
  std::string certificate() const;  // PEM; what it shows

  void fail_next(Fault fault);
  // Tokens that read a repository are written there, as git_server.hpp takes them.
  void tell_git_host(std::filesystem::path tokens_file);
  void refuse_git_tokens(unsigned status);  // asked for from now on, with this answer; 0: no longer
  void refuse_tokens();                     // those handed out so far are unknown from now on
  void delete_check_runs();
  void set_permission(const std::string& login, const std::string& permission);  // who is not named has none
  void set_down(bool down);  // every connection is cut before anything takes effect

  // A webhook was sent, and answered so; the attempt's number.
  std::int64_t sent(const HookAttempt& attempt);
  // What was asked to be delivered again since the last call of this.
  std::vector<HookAttempt> take_asked();
  void set_pulls(std::vector<nlohmann::json> pulls);  // open and closed; see pull_item
  void set_refs(std::vector<nlohmann::json> refs);    // see ref_item

  // Until a request has made this true; false where none does for a minute.
  struct State {
    const std::vector<nlohmann::json>& check_runs;
    const std::vector<HookAttempt>& asked;
    const std::vector<Seen>& seen;
  };
  bool wait_for(const std::function<bool(const State&)>& condition);
  std::vector<nlohmann::json> check_runs();
  std::vector<nlohmann::json> comments();
  std::vector<nlohmann::json> statuses();
  std::vector<Seen> seen();
  std::vector<std::string> mistakes();  // requests and answers that GitHub's description does not allow

 private:
  struct Socket;
  struct Reply {
    unsigned status = 200;
    nlohmann::json body;
    std::vector<std::pair<std::string, std::string>> headers;
    Fault::Kind fault = Fault::Kind::answer;
  };

  void serve();
  void serve_one();
  template <class Stream>
  void converse(Stream& stream);
  Reply reply_to(const Seen& request);
  Reply complete(const Seen& request, Reply reply);
  Reply conditional(const Seen& request, Reply reply) const;
  Reply route(const Seen& request, const std::vector<std::string>& path, const std::string& query);
  Reply check_runs_route(const Seen& request, const std::vector<std::string>& path, const std::string& query);
  Reply create_check_run(const nlohmann::json& body);
  Reply hand_out_token(const std::string& body);
  Reply hook_route(const Seen& request, const std::vector<std::string>& path, const std::string& query);
  Reply pulls_route(const Seen& request, const std::vector<std::string>& path, const std::string& query);
  Reply refs_route(const std::vector<std::string>& path) const;
  Reply list_page(const std::vector<nlohmann::json>& items, const std::string& query, const std::string& path);
  bool is_app(const std::string& authorization) const;
  bool is_installation(const std::string& authorization) const;

  const Clock& clock_;
  const bool tls_;
  std::unique_ptr<Socket> socket_;
  std::uint16_t port_ = 0;
  std::mutex mutex_;  // over all below
  std::condition_variable answered_;
  GithubApi api_;
  std::deque<Fault> faults_;
  std::map<std::string, std::int64_t> tokens_;  // token -> expires_ms
  int tokens_made_ = 0;
  std::filesystem::path git_tokens_;
  unsigned git_tokens_refused_ = 0;
  std::map<std::string, std::string> permissions_;  // by login
  std::int64_t next_id_ = 100;
  bool down_ = false;
  std::vector<nlohmann::json> check_runs_, comments_, statuses_, pulls_, refs_;
  std::vector<HookAttempt> attempts_, asked_;
  std::vector<Seen> seen_;
  std::vector<std::string> mistakes_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace smgate::test
