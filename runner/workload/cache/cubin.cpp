#include "runner/workload/cache/cubin.hpp"

#include <charconv>
#include <cstdint>

namespace smgate::workload {

namespace {

// The ELF64 header, little-endian.
constexpr std::size_t kHeaderBytes = 64;
constexpr std::size_t kClassAt = 4;
constexpr std::size_t kDataAt = 5;
constexpr std::size_t kAbiVersionAt = 8;
constexpr std::size_t kMachineAt = 18;
constexpr std::size_t kFlagsAt = 48;
constexpr unsigned kElf64 = 2;
constexpr unsigned kLittleEndian = 1;
constexpr unsigned kMachineCuda = 190;

// CUDA 13 moved the architecture from the lowest byte of e_flags to the next, and says so in EI_ABIVERSION.
constexpr unsigned kAbiOfCuda13 = 8;
constexpr std::uint32_t kOldOneArchitecture = 0x800;
constexpr std::uint32_t kNewOneArchitecture = 0x8;
constexpr std::uint32_t kOldestArchitecture = 20;  // below it a header is nothing that a toolkit wrote

unsigned byte_at(std::string_view bytes, std::size_t at) { return static_cast<unsigned char>(bytes[at]); }

std::uint32_t word_at(std::string_view bytes, std::size_t at) {
  std::uint32_t word = 0;
  for (std::size_t i = 4; i-- > 0;) word = word << 8 | byte_at(bytes, at + i);
  return word;
}

struct Architecture {
  unsigned number;  // 10 * major + minor
  bool alone;       // sm_XYa
};

std::optional<Architecture> parse_sm(std::string_view name) {
  if (name.substr(0, 3) != "sm_") return std::nullopt;
  name.remove_prefix(3);
  Architecture architecture{0, false};
  const auto end = std::from_chars(name.data(), name.data() + name.size(), architecture.number);
  if (end.ec != std::errc()) return std::nullopt;
  const std::string_view suffix(end.ptr, static_cast<std::size_t>(name.data() + name.size() - end.ptr));
  architecture.alone = suffix == "a";
  return suffix.empty() || architecture.alone ? std::optional(architecture) : std::nullopt;
}

}  // namespace

std::optional<std::string> cubin_target(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes || bytes.substr(0, 4) !=
                                         "\x7f"
                                         "ELF") {
    return std::nullopt;
  }
  if (byte_at(bytes, kClassAt) != kElf64 || byte_at(bytes, kDataAt) != kLittleEndian) return std::nullopt;
  if ((word_at(bytes, kMachineAt) & 0xffffu) != kMachineCuda) return std::nullopt;
  const std::uint32_t flags = word_at(bytes, kFlagsAt);
  const bool new_layout = byte_at(bytes, kAbiVersionAt) >= kAbiOfCuda13;
  const std::uint32_t number = new_layout ? flags >> 8 & 0xffu : flags & 0xffu;
  const bool alone = (flags & (new_layout ? kNewOneArchitecture : kOldOneArchitecture)) != 0;
  if (number < kOldestArchitecture) return std::nullopt;
  return "sm_" + std::to_string(number) + (alone ? "a" : "");
}

std::optional<std::string> ptx_target(std::string_view bytes) {
  constexpr std::string_view kDirective = ".target sm_";
  constexpr std::size_t kPreambleBytes = 4096;  // .version and .target stand before any code
  if (bytes.find(".version") >= kPreambleBytes) return std::nullopt;
  const std::size_t at = bytes.find(kDirective);
  if (at >= kPreambleBytes) return std::nullopt;
  const std::string_view rest = bytes.substr(at + kDirective.size());
  const std::size_t end = rest.find_first_not_of("0123456789af");
  return "compute_" + std::string(rest.substr(0, end));
}

bool runs_natively(std::string_view target, std::string_view arch) {
  const auto code = parse_sm(target);
  const auto device = parse_sm(arch);
  if (!code || !device) return false;
  if (code->alone) return code->number == device->number;
  return code->number / 10 == device->number / 10 && code->number <= device->number;
}

}  // namespace smgate::workload
