// The rows before and after fetch_gate_files: which run is next, and what its result makes of it. Called through the
// store, on its threads.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "server/source/source.hpp"
#include "server/store/access.hpp"
#include "server/store/tx.hpp"

namespace smgate {
class Random;
}

namespace smgate::source {

inline constexpr int kFetchAttemptsMax = 8;  // with the delays below some 11 minutes: a short outage of the git host

struct NextTask {
  std::optional<SourceTask> task;
  std::vector<store::Repository> wanted;  // older runs are of these, and wait for a token
};
NextTask next_source_task(store::ReadTx& tx, const store::Keys& keys, std::int64_t now_ms);

enum class Finished { started, ended, retried, overtaken };  // overtaken: the run was cancelled meanwhile
Finished finish_source(store::Tx& tx, const SourceTask& task, const SourceResult& result, std::int64_t now_ms,
                       Random& random);

// Before attempt n + 1, n >= 1: 5 s, doubled each time.
std::int64_t retry_delay_ms(int attempts);

}  // namespace smgate::source
