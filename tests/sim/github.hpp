// A virtual GitHub: people push and open pull requests, webhooks go out late, twice, out of order until they are
// answered, or not at all until they are asked for again. It knows what must be true in the end.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/server/payloads.hpp"
#include "tests/sim/streams.hpp"

namespace smgate::sim {

struct Webhook {
  std::string delivery;
  std::string event;
  std::string body;
  std::int64_t due_ms = 0;
};

// An attempt to deliver a webhook, as GitHub lists it.
struct Attempt {
  std::int64_t id = 0;
  Webhook webhook;
  std::int64_t delivered_ms = 0;
  bool answered = false;
};

struct WantedRun {
  std::string head;
  std::optional<std::string> base;  // absent: any run of this head
  bool held = false;                // of a fork, and named by nothing else
};

class GitHubApi;

class GitHub {
 public:
  explicit GitHub(Random& random);

  // Somebody does something; its webhook waits to be sent. People press the buttons of checks that they see.
  void act(std::int64_t now_ms, const GitHubApi& api);
  std::size_t pull_count() const { return pulls_.size(); }
  struct Done {  // that the days were full
    int forks = 0, pushes = 0, approvals = 0, refused_approvals = 0, questions = 0, reruns = 0, groups = 0;
    int lost = 0, redelivered = 0, twice = 0, out_of_order = 0;
  };
  const Done& done() const { return done_; }
  // The next webhook that is due, which stays until it was answered.
  const Webhook* due(std::int64_t now_ms) const;
  void answered(const std::string& delivery, std::int64_t now_ms);
  bool quiet() const { return outgoing_.empty(); }
  bool lacks_nothing() const { return quiet() && lost_.empty(); }
  void send_all_at(std::int64_t now_ms);  // no more delays, and nothing is lost any more

  // --- what it lists
  nlohmann::json hook_deliveries() const;  // newest first
  bool redeliver(std::int64_t attempt, std::int64_t now_ms);
  nlohmann::json open_pulls() const;
  nlohmann::json pull(int number) const;  // null: there is none
  nlohmann::json merge_group_refs() const;

  static std::string permission_of(const std::string& login) { return login == kMaintainer ? "write" : "read"; }

  Behaviour behaviour_of(const std::string& commit) const { return commits_.at(commit); }
  // What must have its verdict when all is quiet: every push to main, the newest heads of all else.
  std::vector<WantedRun> wanted() const;
  const std::vector<std::string>& main_heads() const { return main_heads_; }

 private:
  static constexpr const char* kMaintainer = "maintainer";
  static constexpr const char* kReader = "reader";  // a member who may not write

  struct Pull {
    std::string head, base;
    bool open = true, fork = false, approved = false;
    std::int64_t updated_s = 0;
  };
  struct Group {
    std::string head, base;
    bool open = true;
  };

  std::string commit();
  void send(const std::string& event, const nlohmann::json& body, std::int64_t now_ms);
  void push_main(std::int64_t now_ms);
  void push_branch(std::int64_t now_ms);
  void open_pull(std::int64_t now_ms);
  void change_pull(std::int64_t now_ms);
  void approve(std::int64_t now_ms, const GitHubApi& api);
  void ask(std::int64_t now_ms);
  void comment(int number, const std::string& body, const std::string& login, std::int64_t now_ms);
  void rerun(std::int64_t now_ms, const GitHubApi& api);
  void queue_or_drop_group(std::int64_t now_ms);
  void send_group(const Group& group, std::size_t number, std::int64_t now_ms);
  std::int64_t note_attempt(const Webhook& webhook, std::int64_t now_ms, bool answered);
  static std::string group_ref(const Group& group, std::size_t number);
  void send_pull(int number, const std::string& action, const std::optional<std::string>& before, std::int64_t now_ms);

  Random& random_;
  bool loses_ = true;
  std::set<std::string> lost_;     // deliveries that never came
  std::vector<Attempt> attempts_;  // oldest first
  std::int64_t second_ = 0;        // of the last action: payload times never tie
  int deliveries_ = 0;
  std::deque<Webhook> outgoing_;
  std::map<std::string, Behaviour> commits_;
  std::string main_ = test::kNoCommit;
  std::vector<std::pair<std::string, std::string>> main_pushes_;  // before, after
  std::vector<std::string> main_heads_;
  std::map<std::string, std::string> branches_;
  std::map<int, Pull> pulls_;
  std::vector<Group> groups_;
  Done done_;
};

}  // namespace smgate::sim
