// The adapters there are. Internal to the adapters.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "common/contract/adapters/patterns.hpp"
#include "common/contract/adapters/reader.hpp"
#include "common/contract/adapters/spec.hpp"

namespace smgate::contract {

bool is_adapter(std::string_view name);

// For the lines of one process: the reader of the spec's kind of log, then that of its patterns.
std::vector<std::unique_ptr<LogReader>> make_readers(const AdapterSpec& spec, const PatternSet& patterns,
                                                     LogOutput& out);

}  // namespace smgate::contract
