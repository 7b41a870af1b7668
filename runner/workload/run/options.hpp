// The command line of smgate-smoke, which wins over what a runner says in the environment, but for its bound on steps.
// Pure but for that environment; any thread.
#pragma once

#include <functional>
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
  std::string target;      // architecture that kernels are compiled for; empty: the device's own
  std::string disk_cache;  // folder of compiled kernels; empty: none
  std::string weights;     // folder with teacher/ and student/; empty: seeded
  std::string dump;        // folder for what another program compares with; empty: none
  bool strict = false;     // a compile after pre-warm fails the run
  bool profile = false;    // print where the time went
  bool json = false;
  bool help = false;
  bool list_faults = false;
  bool list_controls = false;
};

// The architecture of this host's GPU (device/gpu.hpp). Failure: why there is none.
using GpuProbe = std::function<Outcome<std::string>()>;

// Failure: what is wrong with the command line, and what is allowed. The probe is asked only where the options leave
// room for a GPU: `--backend auto` takes it where its architecture is the one asked for, or none is.
Outcome<Options> parse_options(int argc, char** argv, const GpuProbe& gpu);
std::string usage();

}  // namespace smgate::workload
