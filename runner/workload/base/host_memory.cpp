#include "runner/workload/base/host_memory.hpp"

#include <fstream>
#include <string>

namespace smgate::workload {

HostMemory host_memory() {
  std::ifstream file("/proc/meminfo");
  HostMemory memory{0, 0};
  std::string name;
  std::uint64_t kibibytes = 0;
  std::string unit;
  while (file >> name >> kibibytes) {
    if (name == "MemAvailable:") memory.available_bytes = kibibytes * 1024;
    if (name == "MemTotal:") memory.total_bytes = kibibytes * 1024;
    std::getline(file, unit);
  }
  return memory;
}

}  // namespace smgate::workload
