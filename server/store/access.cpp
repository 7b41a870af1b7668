#include "server/store/access.hpp"

#include <cassert>

#include "server/store/actions.hpp"

namespace smgate::store {

std::optional<GitAccess> access_to(const Keys& keys, const Repository& repository, std::int64_t since_ms) {
  if (keys.origin.empty() || repository.clone_url.rfind(keys.origin + "/", 0) != 0) return GitAccess{};
  if (repository.is_private == false) return GitAccess{std::nullopt, "", keys.ca_file};
  const auto key = keys.at_hand.find(repository.full_name);
  if (key == keys.at_hand.end() || key->second.made_ms < since_ms) return std::nullopt;
  return key->second.access;
}

Reach reach_of(ReadTx& tx, const JobId& job) {
  Query row =
      tx.query("SELECT run, CASE outcome WHEN 'checkout_failed' THEN ready_ms ELSE 0 END FROM jobs WHERE id = ?1", job);
  const bool found = row.step();
  assert(found && "a job that waits is a row");
  static_cast<void>(found);
  const Run run = find_run(tx, row.get<RunId>(0)).value();
  const Repository unknown{run.repository, "", "", std::nullopt, std::nullopt};
  return {find_repository(tx, run.repository).value_or(unknown), is_of_fork(tx, run), row.get<std::int64_t>(1)};
}

void note_access(Tx& tx, const std::string& repository) {
  tx.change(
      "UPDATE repositories SET access_error = '', access_tries = 0, access_retry_ms = 0 WHERE full_name = ?1 AND "
      "access_tries > 0",
      repository);
}

void note_no_access(Tx& tx, const std::string& repository, const std::string& error, int tries, std::int64_t retry_ms) {
  tx.change("UPDATE repositories SET access_error = ?2, access_tries = ?3, access_retry_ms = ?4 WHERE full_name = ?1",
            repository, error, tries, retry_ms);
  tx.change("UPDATE runs SET reason = ?2 WHERE repository = ?1 AND state = 'fetching'", repository, error);
}

int access_tries(ReadTx& tx, const std::string& repository) {
  Query row = tx.query("SELECT access_tries FROM repositories WHERE full_name = ?1", repository);
  return row.step() ? row.get<int>(0) : 0;
}

}  // namespace smgate::store
