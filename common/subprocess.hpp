// Runs a short helper program (git) to its end: no shell, no terminal, a clean environment, a deadline after which its
// process group is killed, and bounded output. Blocks the calling thread; any thread. The stages of a job do not run
// through here: they have a supervisor of their own.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/result.hpp"

namespace smgate {

struct Command {
  std::vector<std::string> argv;           // argv[0] is looked up in PATH
  std::map<std::string, std::string> env;  // all of it, but for PATH, which is passed on
  std::filesystem::path folder;            // empty: where we are
  std::chrono::milliseconds deadline{60'000};
  std::size_t output_bytes_max = 8U << 20U;  // beyond, the program is killed and the call is an error
};

struct Output {
  int exit_code = 0;  // 128 + signal where a signal ended it
  std::string out;
  std::string err;
};

// An error where it cannot be started, passes its deadline or its output bound; an exit code is for the caller.
Result<Output> run_command(const Command& command);

}  // namespace smgate
