// What a host says of itself: its name, its memory, and the device that the operator configured. Any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace smgate::device {

struct Memory {
  std::uint64_t total_bytes = 0;
  // What can be had without swapping: on unified memory this, not the driver's figure, is what a GPU can take, since
  // the driver counts the page cache as used.
  std::uint64_t available_bytes = 0;
};

// MemTotal and MemAvailable of /proc/meminfo (proc(5)); nullopt where one is missing.
std::optional<Memory> parse_meminfo(std::string_view text);
std::optional<Memory> host_memory();

std::string host_name();

// Free bytes of the file system that holds `folder`; nullopt where that cannot be told.
std::optional<std::uint64_t> free_disk_bytes(const std::filesystem::path& folder);

}  // namespace smgate::device
