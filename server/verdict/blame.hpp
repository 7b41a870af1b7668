// Whose failure it is: whether the base already failed alike and since when, and whether the same commit has been
// judged otherwise before. Read from rows in the transaction of the run's verdict, stored beside it as JSON.
#pragma once

#include <optional>
#include <string>

#include "server/store/runs.hpp"

namespace smgate::verdict {

// JSON: {"base": {commit, run, verdict, alike} or null, "since": {commit, run, at} or null, "flaky": {verdict, run, at}
// or null, "signature", "text"}. Absent where there is nothing to say: a pass that never failed.
std::optional<std::string> blame_of(store::ReadTx& tx, const RunId& run);
// Kept beside the run's verdict: with every verdict, also one that was given before there were jobs.
void note_blame(store::Tx& tx, const RunId& run);

}  // namespace smgate::verdict
