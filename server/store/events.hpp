// The events of a job's attempts, in compressed chunks as they came: what the verdict is folded from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "server/store/jobs.hpp"
#include "server/store/tx.hpp"

namespace smgate::store {

inline constexpr std::uint64_t kEventBytesMax = 256U << 20U;  // a job: 23,547 kernels and 100,000 steps are 20 MB

// False, and nothing stored, where the job would have more than kEventBytesMax.
bool append_events(Tx& tx, const Job& job, const protocol::EventChunk& chunk, std::uint64_t seq);

struct EventFile {
  std::string name;
  std::string lines;
  std::string part = "main";  // which run of the job wrote it, see common/contract/job_facts.hpp
};
std::vector<EventFile> read_events(ReadTx& tx, const JobId& job, int attempt);  // by part and name

}  // namespace smgate::store
