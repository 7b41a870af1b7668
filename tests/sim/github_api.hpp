// The other side of the virtual GitHub: its Checks API, with outages, lost answers and limits; and the sender that
// works off the coordinator's calls, as outbox.hpp says. It knows what must be true of every write.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/random.hpp"
#include "server/store/inline_store.hpp"
#include "server/store/outbox.hpp"

namespace smgate::sim {

struct CheckRun {
  std::int64_t id = 0;
  std::string external_id;
  std::string status;
  std::string conclusion;
  std::int64_t annotations = 0;
};

class GitHubApi {
 public:
  explicit GitHubApi(Random& random) : random_(random) {}

  // Sends the call that is due, if there is one; false where nothing is.
  bool step(store::InlineStore& store, std::int64_t now_ms);
  void begin_outage(std::int64_t now_ms);  // of 1 to 20 minutes
  void end_outage() { down_until_ms_ = 0; }
  void crash(std::int64_t now_ms);  // the coordinator's: a call under way is forgotten, its effect is not

  // Check runs by "sha name", in the order they were made: the last is what people see.
  using Checks = std::map<std::pair<std::string, std::string>, std::vector<CheckRun>>;
  const Checks& checks() const { return checks_; }
  const CheckRun* newest(const std::string& sha, const std::string& name) const;
  const std::vector<std::string>& breaches() const { return breaches_; }
  int outages() const { return outages_; }
  int lost_answers() const { return lost_answers_; }
  int writes() const { return writes_; }

 private:
  // What became of a write: nothing, an effect whose answer was lost, or an answered effect.
  enum class Fate { refused, lost, answered };
  Fate fate(std::int64_t now_ms);
  void write(const store::Call& call, std::int64_t now_ms);
  void set_check(const store::Call& call, const nlohmann::json& body);
  void add_annotations(const store::Call& call, const nlohmann::json& body);
  CheckRun* find(const store::Call& call, const nlohmann::json& body);
  void check_limits(const nlohmann::json& body, std::int64_t now_ms);
  bool took_effect(const store::Call& call, const nlohmann::json& body);
  std::optional<store::Check> known(const store::Call& call, const nlohmann::json& body);

  Random& random_;
  std::optional<store::Call> sending_;
  std::int64_t down_until_ms_ = 0;
  std::int64_t last_write_ms_ = 0;
  std::int64_t next_id_ = 1;
  Checks checks_;
  std::map<std::string, int> comments_;  // by external id
  std::map<std::int64_t, int> effects_;  // by the call's number: appends that took effect
  std::vector<std::string> breaches_;
  int outages_ = 0, lost_answers_ = 0, writes_ = 0;
};

}  // namespace smgate::sim
