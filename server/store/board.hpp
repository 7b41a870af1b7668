// The newest run of each branch, and the verdict of a branch. Pages go by cursor: the run of the page's last row.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "server/store/job_views.hpp"
#include "server/store/views.hpp"

namespace smgate::store {

inline constexpr std::size_t kEarlierRuns = 3;  // as many as say whether a failure is new

struct EarlierRun {
  RunId id;
  CommitSha commit;
  RunState state = RunState::done;
  std::optional<RunVerdict> verdict;
};
struct BoardRow {
  RunSummary run;
  std::vector<EarlierRun> earlier;           // of its branch, the newest first
  std::map<JobId, std::string> guilty_keys;  // of its jobs, where there is one
};
struct BoardPage {
  std::vector<BoardRow> rows;  // the branch with the newest run first
  std::optional<RunId> next;
};
BoardPage read_board(ReadTx& tx, const std::optional<std::string>& repository, const std::optional<RunId>& before,
                     std::size_t count_max);

// Of its newest run that is over; absent where there is none.
std::optional<RunVerdict> verdict_of_branch(ReadTx& tx, const std::string& repository, const std::string& branch);
// The newest run of this commit that is over, but for `except`.
std::optional<RunId> run_of_commit(ReadTx& tx, const std::string& repository, const CommitSha& commit,
                                   const RunId& except);

}  // namespace smgate::store
