// Text in columns, as wide as what they hold. Pure; any thread.
#pragma once

#include <string>
#include <vector>

namespace smgate::ask {

// The first row is the head.
std::string to_table(const std::vector<std::vector<std::string>>& rows);

}  // namespace smgate::ask
