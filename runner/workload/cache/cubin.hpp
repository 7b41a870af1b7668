// What a compiled kernel was compiled for, read from the bytes that are loaded rather than believed from whoever asked
// for them. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace smgate::workload {

// sm_XY of a cubin's ELF header, with an `a` where it says that the code is of that architecture alone; empty where the
// bytes are no cubin, or cut off within the header.
std::optional<std::string> cubin_target(std::string_view bytes);

// compute_XY of PTX text, by its .target; empty where the bytes are none.
std::optional<std::string> ptx_target(std::string_view bytes);

// Does a device of `arch` run code of `target` as it is? A cubin of the same major and a lower or equal minor does;
// sm_XYa on sm_XY alone; PTX never: the driver compiles it once more.
bool runs_natively(std::string_view target, std::string_view arch);

}  // namespace smgate::workload
