// The rows before and after fetch_gate_files: which run is next, and what its result makes of it. Called through the
// store, on its threads.
#pragma once

#include <cstdint>
#include <optional>

#include "server/source/source.hpp"
#include "server/store/tx.hpp"

namespace smgate {
class Random;
}

namespace smgate::source {

inline constexpr int kFetchAttemptsMax = 8;  // with the delays below some 11 minutes: a short outage of the git host

std::optional<SourceTask> next_source_task(store::ReadTx& tx, std::int64_t now_ms);

enum class Finished { started, ended, retried, overtaken };  // overtaken: the run was cancelled meanwhile
Finished finish_source(store::Tx& tx, const SourceTask& task, const SourceResult& result, std::int64_t now_ms,
                       Random& random);

// Before attempt n + 1, n >= 1: 5 s, doubled each time.
std::int64_t retry_delay_ms(int attempts);

}  // namespace smgate::source
