// What git needs to read repositories, as far as it is a row or a value: which of them need a token, what is at hand,
// and why there is none. Tokens are values only, and never a row. Called by source, scheduler and whoever asks for
// tokens.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "common/git_credential.hpp"
#include "server/store/jobs.hpp"
#include "server/store/repositories.hpp"
#include "server/store/runs.hpp"

namespace smgate::store {

struct Key {
  GitAccess access;  // without a credential where GitHub gives none, and the repository may be public
  std::int64_t made_ms = 0;
  std::int64_t until_ms = 0;  // what begins now still has time enough
};
// What there is at this moment to open repositories with.
struct Keys {
  std::string origin;  // https://github.com: addresses under it are opened by tokens; empty: there are none
  std::filesystem::path ca_file;
  std::map<std::string, Key> at_hand;  // by repository
  std::set<std::string> asked;         // repositories whose token is on its way: they wait for it
};

// Absent: a token, one that is not older than since_ms, is to be asked for first.
std::optional<GitAccess> access_to(const Keys& keys, const Repository& repository, std::int64_t since_ms);

// The repository of a job that waits. A fork's job gets no token: its stages are another's code.
struct Reach {
  Repository repository;
  bool of_fork = false;
  std::int64_t token_since_ms = 0;  // an older one has failed it
};
Reach reach_of(ReadTx& tx, const JobId& job);

// There is a token again.
void note_access(Tx& tx, const std::string& repository);
// Runs and jobs of the repository wait until retry_ms. `tries`: how many, this one included.
void note_no_access(Tx& tx, const std::string& repository, const std::string& error, int tries, std::int64_t retry_ms);
int access_tries(ReadTx& tx, const std::string& repository);

}  // namespace smgate::store
