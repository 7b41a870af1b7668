// From marked commits to calls to GitHub. The database marks a commit in the transaction of whatever changed it; each
// step here takes one mark, renders, and writes the calls, all in one transaction of its own, so that a crash loses
// neither. Called by the reporter loop on the store's thread, until it returns false; woken after every stage, and by
// its timer.
//
//   job leased -> in_progress;  judged, decided, cancelled -> completed;  held -> action_required;  re-run -> queued
#pragma once

#include <cstdint>
#include <string>

#include "server/store/heads.hpp"

namespace smgate::reporter {

struct Config {
  bool enabled = false;    // false: nothing may write to GitHub; marks are dropped
  std::string public_url;  // without a slash at its end; empty: GitHub cannot reach this server
  bool pictures = true;    // false: reading the API takes a token, which GitHub has not
};

// False: nothing waits.
bool report_next(store::Tx& tx, const Config& config, std::int64_t now_ms);

}  // namespace smgate::reporter
