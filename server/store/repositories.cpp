#include "server/store/repositories.hpp"

#include <nlohmann/json.hpp>

namespace smgate::store {
namespace {

PullRequest read_pull_request(const Query& row) {
  PullRequest pull;
  pull.repository = row.get<std::string>(0);
  pull.number = row.get<std::int64_t>(1);
  pull.head_repository = row.get<std::string>(2);
  pull.head_branch = row.get<std::string>(3);
  pull.head = row.get<CommitSha>(4);
  pull.previous = row.get<CommitSha>(5);
  pull.base_branch = row.get<std::string>(6);
  pull.base = row.get<CommitSha>(7);
  pull.open = row.get<bool>(8);
  pull.updated_ms = row.get<std::int64_t>(9);
  return pull;
}

}  // namespace

void save_repository(Tx& tx, const Repository& repository, std::int64_t now_ms) {
  tx.change(
      "INSERT INTO repositories (full_name, clone_url, default_branch, installation, created_ms, updated_ms, private) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6) ON CONFLICT (full_name) DO UPDATE SET clone_url = excluded.clone_url, "
      "default_branch = excluded.default_branch, installation = coalesce(excluded.installation, installation), "
      "updated_ms = excluded.updated_ms, private = coalesce(excluded.private, private)",
      repository.full_name, repository.clone_url, repository.default_branch, repository.installation, now_ms,
      repository.is_private);
  if (repository.is_private == false)
    tx.change("UPDATE repositories SET access_error = '', access_tries = 0, access_retry_ms = 0 WHERE full_name = ?1",
              repository.full_name);
}

std::optional<Repository> find_repository(ReadTx& tx, const std::string& full_name) {
  Query row = tx.query(
      "SELECT full_name, clone_url, default_branch, installation, private FROM repositories WHERE full_name = ?1",
      full_name);
  if (!row.step()) return std::nullopt;
  return Repository{row.get<std::string>(0), row.get<std::string>(1), row.get<std::string>(2),
                    row.get<std::optional<std::int64_t>>(3), row.get<std::optional<bool>>(4)};
}

nlohmann::json repository_json(const Repository& repository) {
  nlohmann::json object{{"full_name", repository.full_name},
                        {"clone_url", repository.clone_url},
                        {"default_branch", repository.default_branch}};
  if (repository.is_private) object["private"] = *repository.is_private;
  return object;
}

bool set_installation(Tx& tx, const std::string& full_name, const std::optional<std::int64_t>& installation) {
  return tx.change(
             "UPDATE repositories SET installation = ?2, access_retry_ms = 0 WHERE full_name = ?1 AND installation IS "
             "NOT ?2",
             full_name, installation) == 1;
}

std::int64_t remove_installation(Tx& tx, std::int64_t installation) {
  return tx.change("UPDATE repositories SET installation = NULL WHERE installation = ?1", installation);
}

void save_branch(Tx& tx, const Branch& branch) {
  tx.change(
      "INSERT INTO branches (repository, name, head_sha, before_sha, pushed_ms) VALUES (?1, ?2, ?3, ?4, ?5) "
      "ON CONFLICT (repository, name) DO UPDATE SET head_sha = excluded.head_sha, before_sha = excluded.before_sha, "
      "pushed_ms = excluded.pushed_ms",
      branch.repository, branch.name, branch.head, branch.before, branch.pushed_ms);
}

std::optional<Branch> find_branch(ReadTx& tx, const std::string& repository, const std::string& name) {
  Query row = tx.query(
      "SELECT repository, name, head_sha, before_sha, pushed_ms FROM branches WHERE repository = ?1 AND name = ?2",
      repository, name);
  if (!row.step()) return std::nullopt;
  return Branch{row.get<std::string>(0), row.get<std::string>(1), row.get<CommitSha>(2), row.get<CommitSha>(3),
                row.get<std::int64_t>(4)};
}

void save_pull_request(Tx& tx, const PullRequest& pull) {
  tx.change(
      "INSERT INTO pull_requests (repository, number, head_repository, head_branch, head_sha, previous_sha, "
      "base_branch, "
      "base_sha, open, updated_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (repository, number) "
      "DO UPDATE SET "
      "head_repository = excluded.head_repository, head_branch = excluded.head_branch, head_sha = excluded.head_sha, "
      "previous_sha = excluded.previous_sha, "
      "base_branch = excluded.base_branch, base_sha = excluded.base_sha, open = excluded.open, "
      "updated_ms = excluded.updated_ms",
      pull.repository, pull.number, pull.head_repository, pull.head_branch, pull.head, pull.previous, pull.base_branch,
      pull.base, pull.open, pull.updated_ms);
}

std::optional<PullRequest> find_pull_request(ReadTx& tx, const std::string& repository, std::int64_t number) {
  Query row = tx.query(
      "SELECT repository, number, head_repository, head_branch, head_sha, previous_sha, base_branch, base_sha, open, "
      "updated_ms "
      "FROM pull_requests WHERE repository = ?1 AND number = ?2",
      repository, number);
  if (!row.step()) return std::nullopt;
  return read_pull_request(row);
}

std::vector<PullRequest> open_pull_requests(ReadTx& tx, const std::string& repository) {
  Query row = tx.query(
      "SELECT repository, number, head_repository, head_branch, head_sha, previous_sha, base_branch, base_sha, open, "
      "updated_ms FROM pull_requests WHERE repository = ?1 AND open = 1 ORDER BY number",
      repository);
  std::vector<PullRequest> pulls;
  while (row.step()) pulls.push_back(read_pull_request(row));
  return pulls;
}

std::optional<PullRequest> find_pull_request_of_branch(ReadTx& tx, const std::string& repository,
                                                       const std::string& branch) {
  Query row = tx.query(
      "SELECT repository, number, head_repository, head_branch, head_sha, previous_sha, base_branch, base_sha, open, "
      "updated_ms "
      "FROM pull_requests WHERE head_repository = ?1 AND head_branch = ?2 AND open = 1 AND repository = ?1 "
      "ORDER BY number DESC LIMIT 1",
      repository, branch);
  if (!row.step()) return std::nullopt;
  return read_pull_request(row);
}

}  // namespace smgate::store
