// The headers that a kernel's text includes, for the key of a cache: a kernel changes with them. Reads files; any
// thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace smgate::workload {

// Names and texts of every header that `source` includes, and those that they include, each once, looked for in
// `folders` in order. One that is in none of them is the compiler's own (its version stands for it), and is named
// alone. #include lines behind a false condition count, too: the key then changes more often than it must, never less.
std::string included_headers(std::string_view source, const std::vector<std::string>& folders);

}  // namespace smgate::workload
