// Closes a stage off from its host with bubblewrap (bwrap(1), 0.8): what a commit runs can read the host's toolchains
// and write to its job's folder, and nothing else. It sees no process but its own, and no file of the agent: neither
// its token nor other repositories' sources. Devices and the network stay: a gate for GPU code needs the one, and
// builds the other. Pure but for open_sandbox; the job's thread.
#pragma once

#include <filesystem>
#include <vector>

#include "common/result.hpp"
#include "runner/exec/child.hpp"

namespace smgate::exec {

struct Sandbox {
  std::filesystem::path program;              // bubblewrap, absolute: no stage's PATH chooses it. Empty: no sandbox
  std::vector<std::filesystem::path> hidden;  // folders look empty, files cannot be opened
  std::vector<std::filesystem::path> shown;   // read-only, though a hidden folder holds them
  std::filesystem::path folder;               // the job's, with a sub-folder `tmp`
};

// Finds bubblewrap in the agent's own PATH and tries it, once a start: hosts forbid it in several ways, and only
// trying tells. The error says what this host lacks and what to do.
Result<Sandbox> open_sandbox(std::vector<std::filesystem::path> hidden);

// Changes the program into bubblewrap, which starts it. No variable of the stage reaches bubblewrap itself, where
// LD_PRELOAD would run code outside.
void close_off(const Sandbox& sandbox, ChildSpec& spec);

}  // namespace smgate::exec
