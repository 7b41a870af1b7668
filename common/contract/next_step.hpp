// What an engineer does first about a cause. Pure; any thread.
#pragma once

#include <string_view>

namespace smgate::contract {

// One sentence, without a full stop; empty for a cause that is none of the contract's.
std::string_view next_step(std::string_view cause);

}  // namespace smgate::contract
