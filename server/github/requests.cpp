#include "server/github/requests.hpp"

#include <spdlog/fmt/fmt.h>

#include <nlohmann/json.hpp>

#include "common/clock.hpp"

namespace smgate::github {
namespace {

using nlohmann::json;

std::string repos(const std::string& repository) {
  const std::size_t slash = repository.find('/');
  if (slash == std::string::npos) return "/repos/" + percent_encoded(repository);
  return "/repos/" + percent_encoded(repository.substr(0, slash)) + "/" + percent_encoded(repository.substr(slash + 1));
}

std::string text_of(const json& body) { return body.dump(-1, ' ', false, json::error_handler_t::replace); }

Request get(std::string path, As as = As::installation) { return {"GET", std::move(path), "", as}; }
Request post(std::string path, const json& body, As as = As::installation) {
  return {"POST", std::move(path), text_of(body), as};
}

}  // namespace

std::string percent_encoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '.' || c == '_' || c == '~';
    if (plain)
      encoded += c;
    else
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

Request create_check_run(const std::string& repository, const json& body) {
  return post(repos(repository) + "/check-runs", body);
}

Request update_check_run(const std::string& repository, std::int64_t check_run_id, const json& body) {
  return {"PATCH", fmt::format("{}/check-runs/{}", repos(repository), check_run_id), text_of(body)};
}

Request get_check_run(const std::string& repository, std::int64_t check_run_id) {
  return get(fmt::format("{}/check-runs/{}", repos(repository), check_run_id));
}

Request list_check_runs(const std::string& repository, const CommitSha& head, const std::string& name) {
  return get(fmt::format("{}/commits/{}/check-runs?check_name={}&filter=all&per_page={}", repos(repository),
                         percent_encoded(head.value), percent_encoded(name), kPageSize));
}

Request create_commit_status(const std::string& repository, const CommitSha& head, const json& body) {
  return post(fmt::format("{}/statuses/{}", repos(repository), percent_encoded(head.value)), body);
}

Request create_comment(const std::string& repository, std::int64_t issue, const std::string& text) {
  return post(fmt::format("{}/issues/{}/comments", repos(repository), issue), {{"body", text}});
}

Request list_comments(const std::string& repository, std::int64_t issue, std::int64_t since_ms) {
  return get(fmt::format("{}/issues/{}/comments?since={}&per_page={}", repos(repository), issue,
                         percent_encoded(to_rfc3339_seconds(since_ms)), kPageSize));
}

Request get_permission(const std::string& repository, const std::string& login) {
  return get(fmt::format("{}/collaborators/{}/permission", repos(repository), percent_encoded(login)));
}

Request find_installation(const std::string& repository) { return get(repos(repository) + "/installation", As::app); }

Request create_installation_token(std::int64_t installation) {
  return post(fmt::format("/app/installations/{}/access_tokens", installation), json::object(), As::app);
}

Request create_contents_token(std::int64_t installation, const std::string& repository) {
  return post(
      fmt::format("/app/installations/{}/access_tokens", installation),
      {{"repositories", {repository.substr(repository.find('/') + 1)}}, {"permissions", {{"contents", "read"}}}},
      As::app);
}

Request list_hook_deliveries() { return get(fmt::format("/app/hook/deliveries?per_page={}", kPageSize), As::app); }

Request redeliver(std::int64_t delivery_id) {
  return {"POST", fmt::format("/app/hook/deliveries/{}/attempts", delivery_id), "", As::app};
}

Request list_open_pulls(const std::string& repository) {
  return get(fmt::format("{}/pulls?state=open&per_page={}", repos(repository), kPageSize));
}

Request get_pull(const std::string& repository, std::int64_t number) {
  return get(fmt::format("{}/pulls/{}", repos(repository), number));
}

Request list_merge_group_refs(const std::string& repository) {
  return get(fmt::format("{}/git/matching-refs/heads%2Fgh-readonly-queue%2F", repos(repository)));
}

}  // namespace smgate::github
