#include "tests/sim/github_api.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace smgate::sim {
namespace {

using nlohmann::json;

constexpr std::int64_t kMinute_ms = 60'000;
constexpr std::int64_t kBetweenWrites_ms = 1'000;  // GitHub asks for a second
constexpr std::int64_t kBackOffMax_ms = 600'000;

std::int64_t back_off_ms(int attempts) {
  return std::min(kBackOffMax_ms, std::int64_t{5'000} << std::min(attempts, 7));
}

}  // namespace

void GitHubApi::begin_outage(std::int64_t now_ms) {
  ++outages_;
  down_until_ms_ =
      std::max(down_until_ms_, now_ms + kMinute_ms + static_cast<std::int64_t>(random_.below(19 * kMinute_ms)));
}

const CheckRun* GitHubApi::newest(const std::string& sha, const std::string& name) const {
  const auto found = checks_.find({sha, name});
  return found == checks_.end() ? nullptr : &found->second.back();
}

GitHubApi::Fate GitHubApi::fate(std::int64_t now_ms) {
  if (now_ms < down_until_ms_) return random_.below(10) == 0 ? Fate::lost : Fate::refused;
  return random_.below(25) == 0 ? Fate::lost : Fate::answered;
}

// Two steps: the coordinator may crash while the request is on its way.
bool GitHubApi::step(store::InlineStore& store, std::int64_t now_ms) {
  if (!sending_) {
    if (now_ms < last_write_ms_ + kBetweenWrites_ms) return false;
    sending_ = store.write([&](store::Tx& tx) { return store::begin_next_call(tx, now_ms); });
    if (!sending_) return false;
    const json body = json::parse(sending_->body);
    if (sending_->unsure && took_effect(*sending_, body)) {  // looked, and found: nothing to send
      const auto seq = sending_->seq;
      store.write([&](store::Tx& tx) { store::finish_call(tx, seq, known(*sending_, body), now_ms); });
      sending_.reset();
      return true;
    }
    return true;
  }
  const store::Call call = *std::exchange(sending_, std::nullopt);
  const Fate what = fate(now_ms);
  if (what != Fate::refused) write(call, now_ms);
  if (what == Fate::lost) ++lost_answers_;
  store.write([&](store::Tx& tx) {
    if (what == Fate::answered)
      store::finish_call(tx, call.seq, known(call, json::parse(call.body)), now_ms);
    else
      store::retry_call(tx, call.seq,
                        {now_ms + back_off_ms(call.attempts), "503", what == Fate::lost, call.cut, what == Fate::lost});
  });
  return true;
}

void GitHubApi::crash(std::int64_t now_ms) {
  if (sending_ && random_.below(2) == 0) write(*sending_, now_ms);
  sending_.reset();
}

CheckRun* GitHubApi::find(const store::Call& call, const json& body) {
  const auto runs = checks_.find({body.at("head_sha"), body.at("name")});
  if (runs == checks_.end()) return nullptr;
  for (CheckRun& run : runs->second)
    if (run.external_id == call.external_id) return &run;
  return nullptr;
}

bool GitHubApi::took_effect(const store::Call& call, const json& body) {
  if (call.kind == store::CallKind::create_comment) return comments_.contains(call.external_id);
  if (call.kind == store::CallKind::add_annotations) return effects_.contains(call.seq);
  const CheckRun* run = find(call, body);
  return run != nullptr && run->status == body.value("status", "") && run->conclusion == body.value("conclusion", "");
}

std::optional<store::Check> GitHubApi::known(const store::Call& call, const json& body) {
  if (call.kind == store::CallKind::create_comment) return std::nullopt;
  const CheckRun* run = find(call, body);
  if (run == nullptr) return std::nullopt;
  return store::Check{call.repository, CommitSha{body.at("head_sha").get<std::string>()},
                      body.at("name"), call.external_id,
                      run->id,         run->status,
                      run->conclusion, run->annotations};
}

void GitHubApi::check_limits(const json& body, std::int64_t now_ms) {
  if (now_ms < last_write_ms_ + kBetweenWrites_ms) breaches_.emplace_back("two writes within a second");
  if (body.contains("actions") && body["actions"].size() > 3) breaches_.emplace_back("more than three buttons");
  if (!body.contains("output")) return;
  for (const char* field : {"summary", "text"})
    if (body["output"].value(field, "").size() > 65'535) breaches_.emplace_back("an output that GitHub refuses");
  if (body["output"].contains("annotations") && body["output"]["annotations"].size() > 50)
    breaches_.emplace_back("more than 50 annotations in a call");
}

void GitHubApi::write(const store::Call& call, std::int64_t now_ms) {
  const json body = json::parse(call.body);
  check_limits(body, now_ms);
  last_write_ms_ = now_ms;
  ++writes_;
  if (call.kind == store::CallKind::set_check) set_check(call, body);
  if (call.kind == store::CallKind::add_annotations) add_annotations(call, body);
  if (call.kind == store::CallKind::create_comment && ++comments_[call.external_id] > 1)
    breaches_.push_back("a comment was written twice: " + call.external_id);
}

void GitHubApi::set_check(const store::Call& call, const json& body) {
  CheckRun* run = find(call, body);
  if (run == nullptr) {
    std::vector<CheckRun>& runs = checks_[{body.at("head_sha"), body.at("name")}];
    if (!runs.empty() && runs.back().status != "completed")
      breaches_.push_back("a check run is left open behind a newer one: " + runs.back().external_id);
    run = &runs.emplace_back();
    run->id = next_id_++;
    run->external_id = call.external_id;
  } else if (run->status == "completed" && body.at("status") != "completed") {
    breaches_.push_back("a completed check run opens again: " + run->external_id);
  }
  run->status = body.at("status");
  run->conclusion = body.value("conclusion", "");
  if (run->status == "completed" && run->conclusion.empty()) breaches_.emplace_back("completed without a conclusion");
}

void GitHubApi::add_annotations(const store::Call& call, const json& body) {
  if (++effects_[call.seq] > 1) breaches_.push_back("annotations were appended twice: " + call.external_id);
  CheckRun* run = find(call, body);
  if (run == nullptr) return breaches_.push_back("annotations of a check that is not there: " + call.external_id);
  run->annotations += static_cast<std::int64_t>(body["output"]["annotations"].size());
}

}  // namespace smgate::sim
