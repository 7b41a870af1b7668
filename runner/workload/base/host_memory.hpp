// The host's memory, as Linux counts it. Any thread.
#pragma once

#include <cstdint>

namespace smgate::workload {

struct HostMemory {
  std::uint64_t available_bytes;  // MemAvailable: what new programs can have; 0: unknown
  std::uint64_t total_bytes;
};

HostMemory host_memory();

}  // namespace smgate::workload
