// What is there, and what requests do to it: the other half of fake_github.hpp.
#include <algorithm>
#include <utility>

#include "tests/support/fake_github.hpp"

namespace smgate::test {
namespace {

using nlohmann::json;

constexpr std::size_t kPage = 2;  // small, so that pages matter

// `name`: of the parameter that says which page.
std::size_t page_of(const std::string& query, const std::string& name) {
  const std::size_t at = ("&" + query).find("&" + name + "=");
  return at == std::string::npos ? 1 : std::stoul(query.substr(at + name.size() + 1));
}

json repository_item(const std::string& name) {
  return {{"full_name", name}, {"clone_url", "https://github.invalid/" + name + ".git"}, {"default_branch", "main"}};
}

// The number of annotations must not be that of GitHub's example.
json as_answered(const json& run) {
  json answer = run;
  answer["output"]["annotations_count"] = run.value("/output/annotations_count"_json_pointer, 0);
  answer.erase("actions");  // GitHub does not tell them
  return answer;
}

json attempt_json(const HookAttempt& attempt) {
  return {{"id", attempt.id},
          {"guid", attempt.guid},
          {"delivered_at", to_rfc3339(attempt.delivered_ms)},
          {"redelivery", attempt.redelivery},
          {"duration", 0.03},
          {"status", attempt.status_code / 100 == 2 ? "OK" : "failed to connect"},
          {"status_code", attempt.status_code},
          {"event", attempt.event},
          {"action", nullptr},
          {"installation_id", FakeGitHub::kInstallation},
          {"repository_id", 1}};
}

}  // namespace

json pull_item(int number, const std::string& head, const std::string& base, const std::string& updated_at,
               const std::string& head_repository) {
  return {{"number", number},
          {"state", "open"},
          {"draft", false},
          {"requested_teams", json::array()},  // GitHub's example of one does not fit its own description
          {"updated_at", updated_at},
          {"head", {{"sha", head}, {"ref", "topic"}, {"repo", repository_item(head_repository)}}},
          {"base", {{"sha", base}, {"ref", "main"}, {"repo", repository_item("acme/kernels")}}}};
}

json ref_item(const std::string& ref, const std::string& sha) {
  return {{"ref", ref}, {"object", {{"type", "commit"}, {"sha", sha}}}};
}

FakeGitHub::Reply FakeGitHub::route(const Seen& request, const std::vector<std::string>& path,
                                    const std::string& query) {
  if (path.back() == "access_tokens") return hand_out_token(request.body);
  if (path.back() == "installation") return {200, {{"id", kInstallation}}, {}};
  if (path.size() > 1 && path[1] == "renamed")
    return {307, json::object(), {{"location", "/repos/acme" + request.path.substr(14)}}};
  const json body = json::parse(request.body, nullptr, false);
  if (request.path.find("/check-runs") != std::string::npos) return check_runs_route(request, path, query);
  if (path.size() > 4 && path[3] == "statuses") {
    statuses_.push_back(body);
    return {201, body, {}};
  }
  if (path.front() == "app") return hook_route(request, path, query);
  if (path.size() > 3 && path[3] == "pulls") return pulls_route(request, path, query);
  if (path.size() > 3 && path[3] == "git") return refs_route(path);
  if (path.back() == "permission") {
    const auto known = permissions_.find(path[4]);
    // GitHub's example of the user does not fit its own description; it may be null.
    return {200, {{"permission", known == permissions_.end() ? "none" : known->second}, {"user", nullptr}}, {}};
  }
  if (path.back() == "comments" && request.method == "POST") {
    comments_.push_back({{"id", next_id_++}, {"body", body["body"]}});
    return {201, comments_.back(), {}};
  }
  if (path.back() == "comments") return list_page(comments_, query, request.path);
  return {404, {{"message", "Not Found"}}, {}};
}

FakeGitHub::Reply FakeGitHub::list_page(const std::vector<json>& items, const std::string& query,
                                        const std::string& path) {
  const std::string name = path.rfind("/app/hook", 0) == 0 ? "cursor" : "page";
  const std::size_t page = page_of(query, name);
  const std::size_t first = std::min((page - 1) * kPage, items.size());
  const std::size_t last = std::min(first + kPage, items.size());
  Reply reply{200,
              json(std::vector<json>(items.begin() + static_cast<std::ptrdiff_t>(first),
                                     items.begin() + static_cast<std::ptrdiff_t>(last))),
              {}};
  if (last < items.size())
    reply.headers.emplace_back("link", "<" + url() + path.substr(0, path.find("&" + name + "=")) + "&" + name + "=" +
                                           std::to_string(page + 1) + ">; rel=\"next\"");
  return reply;
}

FakeGitHub::Reply FakeGitHub::hook_route(const Seen& request, const std::vector<std::string>& path,
                                         const std::string& query) {
  if (request.method == "GET") {
    std::vector<json> listed;
    for (auto attempt = attempts_.rbegin(); attempt != attempts_.rend(); ++attempt)
      listed.push_back(attempt_json(*attempt));
    return list_page(listed, query, request.path);
  }
  for (const HookAttempt& attempt : attempts_)
    if (path.size() > 3 && std::to_string(attempt.id) == path[3]) {
      asked_.push_back(attempt);
      return {202, json::object(), {}};
    }
  return {404, {{"message", "Not Found"}}, {}};
}

FakeGitHub::Reply FakeGitHub::pulls_route(const Seen& request, const std::vector<std::string>& path,
                                          const std::string& query) {
  std::vector<json> open;
  for (const json& pull : pulls_) {
    if (path.size() > 4 && std::to_string(pull["number"].get<int>()) == path[4]) return {200, pull, {}};
    if (pull["state"] == "open") open.push_back(pull);
  }
  if (path.size() > 4) return {404, {{"message", "Not Found"}}, {}};
  return list_page(open, query, request.path);
}

FakeGitHub::Reply FakeGitHub::refs_route(const std::vector<std::string>& path) const {
  json listed = json::array();
  const std::string prefix = "refs/" + std::string("heads/gh-readonly-queue/");
  for (const json& ref : refs_)
    if (path.back() == "heads%2Fgh-readonly-queue%2F" && ref["ref"].get<std::string>().rfind(prefix, 0) == 0)
      listed.push_back(ref);
  return {200, listed, {}};
}

std::int64_t FakeGitHub::sent(const HookAttempt& attempt) {
  const std::lock_guard lock(mutex_);
  attempts_.push_back(attempt);
  attempts_.back().id = next_id_++;
  attempts_.back().delivered_ms = clock_.now_ms();
  return attempts_.back().id;
}
std::vector<HookAttempt> FakeGitHub::take_asked() {
  const std::lock_guard lock(mutex_);
  return std::exchange(asked_, {});
}
void FakeGitHub::set_pulls(std::vector<json> pulls) {
  const std::lock_guard lock(mutex_);
  pulls_ = std::move(pulls);
}
void FakeGitHub::set_refs(std::vector<json> refs) {
  const std::lock_guard lock(mutex_);
  refs_ = std::move(refs);
}

FakeGitHub::Reply FakeGitHub::create_check_run(const json& body) {
  json run{{"id", next_id_++}, {"conclusion", nullptr}};  // null until it is completed
  run.update(body);
  check_runs_.push_back(run);
  const auto same = [&](const json& other) { return other["name"] == run["name"]; };
  if (static_cast<std::size_t>(std::count_if(check_runs_.begin(), check_runs_.end(), same)) > kRunsOfANameMax)
    check_runs_.erase(std::find_if(check_runs_.begin(), check_runs_.end(), same));
  return {201, as_answered(run), {}};
}

FakeGitHub::Reply FakeGitHub::check_runs_route(const Seen& request, const std::vector<std::string>& path,
                                               const std::string& query) {
  const json body = json::parse(request.body, nullptr, false);
  if (request.method == "POST") return create_check_run(body);
  if (path[3] == "commits") {
    std::vector<json> listed;
    for (const json& run : check_runs_)
      if (run["head_sha"] == path[4]) listed.push_back(as_answered(run));
    Reply page = list_page(listed, query, request.path);
    page.body = {{"total_count", listed.size()}, {"check_runs", page.body}};
    return page;
  }
  const std::int64_t id = std::stoll(path.back());
  for (json& run : check_runs_) {
    if (run["id"] != id) continue;
    const json added = body.is_object() ? body.value("/output/annotations"_json_pointer, json::array()) : json::array();
    const auto count = run.value("/output/annotations_count"_json_pointer, std::size_t{0}) + added.size();
    if (body.is_object()) run.update(body);
    if (run.contains("output")) run["output"]["annotations_count"] = count;
    return {200, as_answered(run), {}};
  }
  return {404, {{"message", "Not Found"}}, {}};
}

}  // namespace smgate::test
