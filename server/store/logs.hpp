// A job's log, in compressed chunks as they came: one stream of bytes per attempt, in which each stage has its part.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "server/store/jobs.hpp"
#include "server/store/tx.hpp"

namespace smgate::store {

inline constexpr std::uint64_t kLogBytesMax = 64U << 20U;  // a job; the end is cut with a note. Builds print 10 MB
inline constexpr std::size_t kLogReadMax = 4U << 20U;      // one answer of the API; the next range follows

void append_log(Tx& tx, const Job& job, const protocol::LogChunk& chunk, std::int64_t now_ms);

struct LogRange {
  int attempt = 0;
  std::uint64_t offset = 0;  // of the first byte
  std::uint64_t total = 0;   // of this attempt's log so far
  std::string bytes;
};
// At most kLogReadMax bytes from `offset` on. attempt 0: the newest.
LogRange read_log(ReadTx& tx, const Job& job, int attempt, std::uint64_t offset, std::uint64_t count_max);

// Where each stage's part lies: stages run one after another, so a part is one piece. In that order. attempt 0: the
// newest.
struct LogPart {
  std::string stage;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;  // behind the last byte
};
std::vector<LogPart> log_parts(ReadTx& tx, const Job& job, int attempt);

}  // namespace smgate::store
