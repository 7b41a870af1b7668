// The frozen batch: seeded tokens and, as labels, the same tokens shifted by one. Plain values; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "smgate/workload.hpp"

namespace smgate::workload {

struct Batch {
  std::uint32_t sequences;
  std::uint32_t seq;
  std::vector<std::int32_t> inputs;  // sequences x seq
  std::vector<std::int32_t> labels;
};

Batch make_batch(const RunConfig& config);

// The `batch` event: every position's whole prefix by hash, beside its label.
events::Event batch_event(const Batch& batch);

}  // namespace smgate::workload
