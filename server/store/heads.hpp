// A commit as GitHub sees it: checks belong to the commit, and several runs may be of one (against another base, of a
// push and of a pull request). Here it is said which of them speaks for it. Also what waits to be told to GitHub about
// commits. Called by intake and the reporter, on the store's thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/store/runs.hpp"

namespace smgate::store {

struct HeadRun {
  Run run;
  bool wanted = false;  // something still names it
};
std::vector<HeadRun> runs_of_head(ReadTx& tx, const std::string& repository, const CommitSha& head);  // oldest first

// The one whose state the commit's checks show: of those that are wanted, else of all, the one that is farthest from
// letting the commit through, so that no pass against a lenient base hides a failure against a strict one.
std::optional<Run> deciding_run(const std::vector<HeadRun>& runs);

struct Head {
  std::string repository;
  CommitSha sha;
};
// The commit whose checks are to be written next; it is no longer marked afterwards.
std::optional<Head> take_marked_head(Tx& tx);
bool has_reports_to_write(ReadTx& tx);  // a marked commit, or a question
void mark_head(Tx& tx, const Head& head);

// --- merge groups
// False: it is gone already, and stays so.
bool open_merge_group(Tx& tx, const std::string& repository, const CommitSha& head, const std::string& ref);
void close_merge_group(Tx& tx, const std::string& repository, const CommitSha& head, const std::string& ref);
struct MergeGroupRow {
  CommitSha head;
  std::string ref;
};
std::vector<MergeGroupRow> open_merge_groups(ReadTx& tx, const std::string& repository);
bool knows_merge_group(ReadTx& tx, const std::string& repository, const CommitSha& head);  // open or gone

// --- `/smgate explain`
struct Explanation {
  DeliveryId delivery;
  std::string repository;
  std::int64_t pull_request = 0;
  CommitSha head;
  std::string actor;
};
void ask_for_explanation(Tx& tx, const Explanation& asked);
std::optional<Explanation> take_explanation(Tx& tx);

// --- blame
// Replaces what an earlier verdict of the run said; absent: there is nothing to say.
void save_blame(Tx& tx, const RunId& run, const std::optional<std::string>& json);
std::optional<std::string> find_blame(ReadTx& tx, const RunId& run);

}  // namespace smgate::store
