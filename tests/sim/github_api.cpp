#include "tests/sim/github_api.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/sim/github.hpp"

namespace smgate::sim {
namespace {

using github::Answer;
using github::Exchange;
using github::Exchanged;
using github::NoAnswer;
using nlohmann::json;

constexpr std::int64_t kMinute_ms = 60'000;
constexpr std::int64_t kHour_ms = 3'600'000;
constexpr std::int64_t kBetweenWrites_ms = 1'000;  // GitHub asks for a second
constexpr std::size_t kWritesPerMinute = 80;       // and refuses more than these
constexpr std::size_t kWritesPerHour = 500;
const Answer kNotFound{404, {}, R"({"message": "Not Found"})"};

Answer ok(unsigned status, const json& body) { return {status, {}, body.dump()}; }

json as_json(const CheckRun& run) {
  return {{"id", run.id}, {"external_id", run.external_id}, {"output", {{"annotations_count", run.annotations}}}};
}

std::string path_of(const Exchange& request) { return request.url.target.substr(0, request.url.target.find('?')); }

std::string last_step(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

void GitHubApi::begin_outage() {
  ++seen_.outages;
  down_until_ms_ = std::max(down_until_ms_,
                            clock_.now_ms() + kMinute_ms + static_cast<std::int64_t>(random_.below(19 * kMinute_ms)));
}

void GitHubApi::calm_down() {
  calm_ = true;
  down_until_ms_ = 0;
}

void GitHubApi::forgotten() {
  limited_until_ms_ = 0;
  write_times_ms_.clear();
}

const CheckRun* GitHubApi::newest(const std::string& sha, const std::string& name) const {
  const auto found = checks_.find({sha, name});
  return found == checks_.end() ? nullptr : &found->second.back();
}

GitHubApi::Fate GitHubApi::fate() {
  if (calm_) return random_.below(25) == 0 ? Fate::lost : Fate::answered;
  const auto pick = random_.below(100);
  if (clock_.now_ms() < down_until_ms_) return pick < 10 ? Fate::lost : pick < 55 ? Fate::failed : Fate::unreachable;
  if (pick == 0) tokens_.clear();  // revoked, all of them
  return pick < 5 ? Fate::lost : pick < 6 ? Fate::limited : Fate::answered;
}

Exchanged GitHubApi::answer(const Exchange& request) {
  const std::string path = path_of(request);
  const Fate what = fate();
  if (what == Fate::unreachable) return NoAnswer{"connect: Connection refused", false};
  if (what == Fate::failed) return Answer{503, {}, "<html>"};
  if (path.ends_with("/installation") || path.ends_with("/access_tokens")) return answer_token(request);
  if (clock_.now_ms() < limited_until_ms_) breach("asked before retry-after: " + path);
  if (what == Fate::limited) return limited();
  if (!may_ask(request)) {
    ++seen_.refused_tokens;
    return ok(401, {{"message", "Bad credentials"}});
  }
  const Answer answered = route(request);
  if (what != Fate::lost) return answered;
  ++seen_.lost_answers;
  return NoAnswer{"read the answer: end of stream", true};
}

Exchanged GitHubApi::answer_token(const Exchange& request) {
  if (request.method == "GET") return ok(200, {{"id", 5}});
  check_limits(json::object());
  const std::string token = "ghs_" + std::to_string(next_id_++);
  const std::int64_t until_ms = clock_.now_ms() + kHour_ms;
  tokens_["Bearer " + token] = until_ms;
  return ok(201, {{"token", token}, {"expires_at", to_rfc3339_seconds(until_ms)}});
}

Answer GitHubApi::limited() {
  ++seen_.limited;
  const std::int64_t wait_s = 30 + static_cast<std::int64_t>(random_.below(270));
  limited_until_ms_ = clock_.now_ms() + wait_s * 1000;
  return {403, {{"retry-after", std::to_string(wait_s)}}, R"({"message": "secondary rate limit"})"};
}

bool GitHubApi::may_ask(const Exchange& request) const {
  const auto authorization = request.headers.find("authorization");
  if (authorization == request.headers.end()) return false;
  if (path_of(request).starts_with("/app/")) return authorization->second.starts_with("Bearer eyJ");  // a JWT
  const auto token = tokens_.find(authorization->second);
  return token != tokens_.end() && clock_.now_ms() < token->second;
}

Answer GitHubApi::route(const Exchange& request) {
  const std::string path = path_of(request);
  return request.method == "GET" ? list(path) : write(request, path);
}

Answer GitHubApi::list(const std::string& path) const {
  if (path == "/app/hook/deliveries") return ok(200, github_.hook_deliveries());
  if (path.ends_with("/pulls")) return ok(200, github_.open_pulls());
  if (path.find("/git/matching-refs/") != std::string::npos) return ok(200, github_.merge_group_refs());
  if (path.find("/pulls/") != std::string::npos) {
    const json pull = github_.pull(std::stoi(last_step(path)));
    return pull.is_null() ? kNotFound : ok(200, pull);
  }
  if (path.ends_with("/permission")) {
    const std::size_t login = path.find("/collaborators/") + std::string("/collaborators/").size();
    return ok(200, {{"permission", GitHub::permission_of(path.substr(login, path.rfind('/') - login))}});
  }
  if (path.ends_with("/comments")) {
    json listed = json::array();
    for (const std::string& text : comments_) listed.push_back({{"body", text}});
    return ok(200, listed);
  }
  const std::size_t commit = path.find("/commits/");
  json listed{{"check_runs", json::array()}};
  for (const auto& [key, runs] : checks_)
    for (const CheckRun& run : runs) {
      if (commit != std::string::npos && path.compare(commit + 9, 40, key.first) == 0)
        listed["check_runs"].push_back(as_json(run));
      if (path.ends_with("/check-runs/" + std::to_string(run.id))) return ok(200, as_json(run));
    }
  return commit == std::string::npos ? kNotFound : ok(200, listed);
}

Answer GitHubApi::write(const Exchange& request, const std::string& path) {
  const json body = request.body.empty() ? json::object() : json::parse(request.body);
  check_limits(body);
  if (path.ends_with("/attempts")) {
    const std::string id = path.substr(0, path.rfind('/'));
    return github_.redeliver(std::stoll(last_step(id)), clock_.now_ms()) ? ok(202, json::object()) : kNotFound;
  }
  if (path.ends_with("/comments")) return make_comment(body);
  if (!calm_ && body.contains("status") && body.contains("output") && random_.below(40) == 0) {
    ++seen_.refused_bodies;
    return ok(422, {{"message", "Invalid request"}});
  }
  return request.method == "POST" ? make_check(body) : change_check(std::stoll(last_step(path)), body);
}

void GitHubApi::check_limits(const json& body) {
  const std::int64_t now_ms = clock_.now_ms();
  ++seen_.writes;
  std::deque<std::int64_t>& times = write_times_ms_;
  if (!times.empty() && now_ms < times.back() + kBetweenWrites_ms) breach("two writes within a second");
  times.push_back(now_ms);
  while (times.front() <= now_ms - kHour_ms) times.pop_front();
  const auto in_minute = std::count_if(times.begin(), times.end(), [&](auto it) { return it > now_ms - kMinute_ms; });
  if (static_cast<std::size_t>(in_minute) > kWritesPerMinute) breach("too many writes in a minute");
  if (times.size() > kWritesPerHour) breach("too many writes in an hour");
  if (body.contains("actions") && body["actions"].size() > 3) breach("more than three buttons");
  if (!body.contains("output")) return;
  for (const char* field : {"summary", "text"})
    if (body["output"].value(field, "").size() > 65'535) breach("an output that GitHub refuses");
  if (body["output"].contains("annotations") && body["output"]["annotations"].size() > 50)
    breach("more than 50 annotations in a call");
}

CheckRun* GitHubApi::find(std::int64_t id) {
  const auto key = check_names_.find(id);
  if (key == check_names_.end()) return nullptr;
  for (CheckRun& run : checks_.at(key->second))
    if (run.id == id) return &run;
  return nullptr;
}

Answer GitHubApi::make_check(const json& body) {
  const std::pair<std::string, std::string> key{body.at("head_sha"), body.at("name")};
  std::vector<CheckRun>& runs = checks_[key];
  const std::string external_id = body.at("external_id");
  for (const CheckRun& run : runs)
    if (run.external_id == external_id) breach("a check run was made twice: " + external_id);
  if (!runs.empty() && runs.back().status != "completed")
    breach("a check run is left open behind a newer one: " + runs.back().external_id);
  CheckRun& run = runs.emplace_back();
  run.id = next_id_++;
  run.external_id = external_id;
  check_names_[run.id] = key;
  set_state(run, body);
  return ok(201, as_json(run));
}

Answer GitHubApi::change_check(std::int64_t id, const json& body) {
  CheckRun* run = find(id);
  if (run == nullptr) return kNotFound;
  if (body.contains("status")) set_state(*run, body);
  if (!body.contains("output") || !body["output"].contains("annotations")) return ok(200, as_json(*run));
  const json& annotations = body["output"]["annotations"];
  if (!appended_.insert(std::to_string(id) + annotations.dump()).second)
    breach("annotations were appended twice: " + run->external_id);
  ++seen_.annotations;
  run->annotations += static_cast<std::int64_t>(annotations.size());
  return ok(200, as_json(*run));
}

void GitHubApi::set_state(CheckRun& run, const json& body) {
  if (run.status == "completed" && body.at("status") != "completed")
    breach("a completed check run opens again: " + run.external_id);
  run.status = body.at("status");
  run.conclusion = body.value("conclusion", "");
  if (run.status == "completed" && run.conclusion.empty()) breach("completed without a conclusion");
}

Answer GitHubApi::make_comment(const json& body) {
  const std::string text = body.at("body");
  const std::string mark = text.substr(text.rfind("<!--"));
  for (const std::string& other : comments_)
    if (other.ends_with(mark)) breach("a comment was written twice: " + mark);
  comments_.push_back(text);
  return ok(201, {{"id", next_id_++}});
}

}  // namespace smgate::sim
