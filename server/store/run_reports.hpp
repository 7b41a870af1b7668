// The report of a run: its architectures compared with each other and with the base branch. Part of the transaction
// that decides the run, and of views.
#pragma once

#include <optional>
#include <string>

#include "server/store/runs.hpp"
#include "server/store/tx.hpp"

namespace smgate::store {

// JSON by report.schema.json. Replaces the one that was there.
void save_run_report(Tx& tx, const RunId& run, const std::string& report_json);
std::optional<std::string> find_run_report(ReadTx& tx, const RunId& run);

// The branch that the run is to go to: its pull request's, else the repository's default branch, which may be its own.
std::string base_branch_of(ReadTx& tx, const Run& run);

// What the newest green run of that branch before this one knows of its job on the architecture; absent where there
// is none. Runs of forks and pull requests are none of the branch's.
std::optional<std::string> newest_green_facts(ReadTx& tx, const Run& run, const Arch& arch);

}  // namespace smgate::store
