#include "runner/device/host.hpp"

#include <unistd.h>

#include <array>
#include <charconv>

#include "common/file.hpp"

namespace smgate::device {
namespace {

constexpr std::size_t kMeminfoMax = 64U << 10U;

// "MemTotal:       65536000 kB"
std::optional<std::uint64_t> kilobytes(std::string_view text, std::string_view name) {
  const std::size_t line = text.find(name);
  if (line == std::string_view::npos) return std::nullopt;
  std::string_view value = text.substr(line + name.size());
  value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc{}) return std::nullopt;
  return number * 1024;
}

}  // namespace

std::optional<Memory> parse_meminfo(std::string_view text) {
  const auto total = kilobytes(text, "MemTotal:");
  const auto available = kilobytes(text, "MemAvailable:");
  if (!total || !available) return std::nullopt;
  return Memory{*total, *available};
}

std::optional<Memory> host_memory() {
  const Result<std::string> text = read_file("/proc/meminfo", kMeminfoMax);
  return text ? parse_meminfo(*text) : std::nullopt;
}

std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

std::optional<std::uint64_t> free_disk_bytes(const std::filesystem::path& folder) {
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(folder, error);
  if (error) return std::nullopt;
  return space.available;
}

}  // namespace smgate::device
