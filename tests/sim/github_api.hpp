// The other side of the virtual GitHub: its REST API, as requests meet it, with outages, lost answers, limits, tokens
// that are refused and bodies that are. It knows what must be true of every write.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/random.hpp"
#include "server/github/exchange.hpp"

namespace smgate::sim {

class GitHub;

struct CheckRun {
  std::int64_t id = 0;
  std::string external_id;
  std::string status;
  std::string conclusion;
  std::int64_t annotations = 0;
};

class GitHubApi {
 public:
  GitHubApi(Random& random, const Clock& clock, GitHub& github) : random_(random), clock_(clock), github_(github) {}

  github::Exchanged answer(const github::Exchange& request);
  void begin_outage();  // of 1 to 20 minutes
  void calm_down();     // no more faults
  void forgotten();     // who asks has crashed, and no longer knows what it was told

  // Check runs by "sha name", in the order they were made: the last is what people see.
  using Checks = std::map<std::pair<std::string, std::string>, std::vector<CheckRun>>;
  const Checks& checks() const { return checks_; }
  const CheckRun* newest(const std::string& sha, const std::string& name) const;
  std::size_t comment_count() const { return comments_.size(); }
  const std::vector<std::string>& breaches() const { return breaches_; }
  struct Seen {  // that there was something to get over
    int outages = 0, lost_answers = 0, limited = 0, refused_bodies = 0, refused_tokens = 0, annotations = 0, writes = 0;
  };
  const Seen& seen() const { return seen_; }

 private:
  // What becomes of a request: its effect is left out, or only its answer, or all goes well.
  enum class Fate { unreachable, failed, limited, lost, answered };
  Fate fate();
  github::Exchanged answer_token(const github::Exchange& request);
  github::Answer limited();
  bool may_ask(const github::Exchange& request) const;
  github::Answer route(const github::Exchange& request);
  github::Answer list(const std::string& path) const;
  github::Answer write(const github::Exchange& request, const std::string& path);
  github::Answer make_check(const nlohmann::json& body);
  github::Answer change_check(std::int64_t id, const nlohmann::json& body);
  github::Answer make_comment(const nlohmann::json& body);
  void set_state(CheckRun& run, const nlohmann::json& body);
  void check_limits(const nlohmann::json& body);
  CheckRun* find(std::int64_t id);
  void breach(const std::string& what) { breaches_.push_back(what); }

  Random& random_;
  const Clock& clock_;
  GitHub& github_;
  bool calm_ = false;
  std::int64_t down_until_ms_ = 0;
  std::int64_t limited_until_ms_ = 0;
  std::deque<std::int64_t> write_times_ms_;     // of the last hour
  std::map<std::string, std::int64_t> tokens_;  // "Bearer ..." -> its end
  std::int64_t next_id_ = 1;
  Checks checks_;
  std::map<std::int64_t, std::pair<std::string, std::string>> check_names_;  // by id
  std::vector<std::string> comments_;
  std::set<std::string> appended_;  // annotations by check run
  std::vector<std::string> breaches_;
  Seen seen_;
};

}  // namespace smgate::sim
