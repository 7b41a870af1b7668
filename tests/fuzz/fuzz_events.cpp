// Lines that a workload may write: never a crash, what is accepted is written and read back the same, and whatever a
// run's events are, they can be folded and judged.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/contract/fold.hpp"
#include "common/contract/judge.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smgate::contract;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  Facts facts;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const smgate::Result<Event> event = parse_event(line);
    if (!event) {
      fold_unreadable(facts, event.error());
      continue;
    }
    const std::string written = to_json_line(*event);
    const smgate::Result<Event> again = parse_event(written);
    if (!again || to_json_line(*again) != written) std::abort();  // by text: NaN is not equal to itself
    fold(facts, *event);
  }
  (void)judge(facts, {});
  return 0;
}
