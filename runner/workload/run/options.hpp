// The command line of smgate-smoke, which wins over what a runner says in the environment, but for its bound on steps.
// Pure but for that environment; any thread.
#pragma once

#include <string>

#include "runner/workload/base/outcome.hpp"
#include "smgate/workload.hpp"

namespace smgate::workload {

enum class CompilerChoice { kAuto, kNvrtc, kNone };

struct Options {
  RunConfig config;
  std::string arch;
  std::string events;  // folder; empty: nothing is reported
  std::string out;     // folder for weights and checkpoint
  CompilerChoice compiler = CompilerChoice::kAuto;
  bool json = false;
  bool help = false;
  bool list_faults = false;
  bool list_controls = false;
};

// Failure: what is wrong with the command line, and what is allowed.
Outcome<Options> parse_options(int argc, char** argv);
std::string usage();

}  // namespace smgate::workload
