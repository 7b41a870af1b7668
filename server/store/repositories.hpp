// What webhooks tell about repositories, their branches and pull requests: newest known state, by the payload's time.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "server/store/tx.hpp"

namespace smgate::store {

struct Repository {
  std::string full_name;  // owner/name
  std::string clone_url;
  std::string default_branch;
  std::optional<std::int64_t> installation;  // of the GitHub App, where one sent the webhook
  std::optional<bool> is_private{};          // absent: no webhook has said
};

struct Branch {
  std::string repository;
  std::string name;  // without refs/heads/
  CommitSha head;
  CommitSha before;            // all zeros for a new branch
  std::int64_t pushed_ms = 0;  // the payload's
};

struct PullRequest {
  std::string repository;  // the base's
  std::int64_t number = 0;
  std::string head_repository;  // empty where the fork was deleted
  std::string head_branch;
  CommitSha head;
  CommitSha previous;  // the head before; empty where not known
  std::string base_branch;
  CommitSha base;
  bool open = true;
  std::int64_t updated_ms = 0;  // the payload's
};

void save_repository(Tx& tx, const Repository& repository, std::int64_t now_ms);
std::optional<Repository> find_repository(ReadTx& tx, const std::string& full_name);
// As webhooks tell of it, for deliveries that are made here.
nlohmann::json repository_json(const Repository& repository);

// Which installation of the App gives access to a repository that is known; false where it is not, or nothing changed.
bool set_installation(Tx& tx, const std::string& full_name, const std::optional<std::int64_t>& installation);
// The installation is gone or suspended: how many repositories had it.
std::int64_t remove_installation(Tx& tx, std::int64_t installation);

void save_branch(Tx& tx, const Branch& branch);
std::optional<Branch> find_branch(ReadTx& tx, const std::string& repository, const std::string& name);

void save_pull_request(Tx& tx, const PullRequest& pull);
std::optional<PullRequest> find_pull_request(ReadTx& tx, const std::string& repository, std::int64_t number);
// Those that are open as far as is known.
std::vector<PullRequest> open_pull_requests(ReadTx& tx, const std::string& repository);
// The newest open one whose head is this branch of the same repository.
std::optional<PullRequest> find_pull_request_of_branch(ReadTx& tx, const std::string& repository,
                                                       const std::string& branch);

}  // namespace smgate::store
