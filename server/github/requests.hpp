// Every request that smgate sends to GitHub, as a value. Pure; any thread. The tests hold each against GitHub's own
// description of its API.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "common/ids.hpp"

namespace smgate::github {

// Who asks: the App itself (its JWT), or the App as installed for a repository (an installation token). Where a
// personal token is configured, it stands for both.
enum class As { app, installation };

struct Request {
  std::string method;
  std::string path;  // with its query, percent-encoded
  std::string body;  // JSON; empty: none
  As as = As::installation;
  bool operator==(const Request&) const = default;
};

inline constexpr int kPageSize = 100;  // the most that GitHub gives

std::string percent_encoded(std::string_view text);  // RFC 3986: all but unreserved characters

Request create_check_run(const std::string& repository, const nlohmann::json& body);
Request update_check_run(const std::string& repository, std::int64_t check_run_id, const nlohmann::json& body);
Request get_check_run(const std::string& repository, std::int64_t check_run_id);
// Also those that newer ones of the name have replaced.
Request list_check_runs(const std::string& repository, const CommitSha& head, const std::string& name);
Request create_commit_status(const std::string& repository, const CommitSha& head, const nlohmann::json& body);

Request create_comment(const std::string& repository, std::int64_t issue, const std::string& text);
Request list_comments(const std::string& repository, std::int64_t issue, std::int64_t since_ms);
// What a person may do there: admin, write, read or none.
Request get_permission(const std::string& repository, const std::string& login);

Request find_installation(const std::string& repository);
Request create_installation_token(std::int64_t installation);
// Good for reading this repository's contents, and for nothing else.
Request create_contents_token(std::int64_t installation, const std::string& repository);

Request list_hook_deliveries();
Request redeliver(std::int64_t delivery_id);
Request list_open_pulls(const std::string& repository);
Request get_pull(const std::string& repository, std::int64_t number);
Request list_merge_group_refs(const std::string& repository);  // gh-readonly-queue/*

}  // namespace smgate::github
