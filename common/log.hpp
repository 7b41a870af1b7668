// The program's own log: one line an event on standard error, `key=value` after the sentence, for journald and people.
// spdlog is thread-safe; secrets are never passed to it.
#pragma once

#include <spdlog/spdlog.h>

#include <string>

namespace smgate {

// level: trace, debug, info, warn, error. Called once by main.
void set_up_log(const std::string& program, const std::string& level);

}  // namespace smgate
