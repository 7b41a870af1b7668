// What is not kept for ever: the events and the log of a job, which are nearly all of the database. Its verdict,
// report, loss curve and kernel-cache matrix stay. The file does not shrink: what is freed is used again.
#pragma once

#include <cstdint>
#include <optional>

#include "server/store/jobs.hpp"
#include "server/store/tx.hpp"

namespace smgate::store {

// Of the job that ended first, before `before_ms`, and still has them: its id, or nothing. In place of the log stands
// one line that says so.
std::optional<JobId> drop_oldest_raw(Tx& tx, std::int64_t before_ms, std::int64_t now_ms);

}  // namespace smgate::store
