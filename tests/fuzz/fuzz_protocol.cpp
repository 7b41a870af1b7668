// What either side may receive: never a crash, and what is accepted is written and read back the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/protocol/messages.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smgate::protocol;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto message = parse_from_runner(text)) {
    const auto again = parse_from_runner(to_text(*message));
    if (!again || *again != *message) std::abort();
  }
  if (const auto message = parse_from_coordinator(text)) {
    const auto again = parse_from_coordinator(to_text(*message));
    if (!again || *again != *message) std::abort();
  }
  return 0;
}
