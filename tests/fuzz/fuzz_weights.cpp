// Files of weights that a workload may leave: whatever they hold, looking at one ends, keeps within the file, and calls
// no file whole whose tensors are not there.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "runner/workload/files/weights_look.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smgate::workload;
  const ReadAt read = [&](std::uint64_t offset, char* into, std::size_t count) -> std::size_t {
    if (offset > size) std::abort();
    const std::size_t there = std::min<std::size_t>(count, size - static_cast<std::size_t>(offset));
    if (there > 0) std::memcpy(into, data + offset, there);
    return there;
  };
  const WeightsLook look = look_at_weights(size, read, [] { return false; });
  if (look.finite && !look.whole.value_or(false)) std::abort();
  if (look.whole == false && look.text.empty()) std::abort();
  if (look.tensors.value_or(0) > size) std::abort();
  const bool known = look.container == "safetensors" || look.container == "gguf";
  if (known && !look.whole && look.text.empty()) std::abort();
  if (!known && look.whole) std::abort();
  return 0;
}
