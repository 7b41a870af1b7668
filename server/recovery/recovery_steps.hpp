// The recovery's transactions, apart from how GitHub is asked: each takes what was listed and writes rows. Calls to ask
// for a delivery again go through the outbox; what no webhook told is a delivery of our own, for intake. On the store's
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/recovery/heads.hpp"
#include "server/recovery/redeliveries.hpp"

namespace smgate::recovery {

// Attempts older than this are known already.
std::int64_t look_back_to_ms(store::ReadTx& tx, std::int64_t now_ms);
// How many are asked for again. `whole`: everything since look_back_to_ms was listed.
int note_attempts(store::Tx& tx, const std::vector<Attempt>& attempts, bool whole, std::int64_t now_ms);

// What webhooks have told of a repository, read before GitHub is asked: what is not listed then was gone before.
struct Known {
  std::vector<store::PullRequest> pulls;     // open
  std::vector<store::MergeGroupRow> groups;  // open
};
Known known_heads(store::ReadTx& tx, const std::string& repository);

// How many deliveries were written.
int note_pulls(store::Tx& tx, const std::string& repository, const std::vector<ListedPull>& listed,
               std::int64_t now_ms);
int note_closed_pull(store::Tx& tx, const ListedPull& listed, std::int64_t now_ms);
// `repository`: as pull requests show it, for one that no webhook has named yet.
int note_groups(store::Tx& tx, const std::string& name, const std::optional<store::Repository>& repository,
                const Known& known, const std::vector<ListedGroup>& listed, std::int64_t now_ms);

}  // namespace smgate::recovery
