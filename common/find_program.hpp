// Where this process's PATH finds a program. Any thread, as long as none sets variables.
#pragma once

#include <string>

namespace smgate {

// Its path; empty: nowhere.
std::string find_program(const std::string& name);

}  // namespace smgate
