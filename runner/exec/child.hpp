// Runs one program under a supervisor (supervisor.hpp) and watches it until nothing of it is left: output, deadline,
// cancel. Blocks the calling thread, which must live as long as the process does (PR_SET_PDEATHSIG watches threads).
// Needs a program whose main answers the argument `supervise` with supervise().
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runner/exec/cancellation.hpp"

namespace smgate::exec {

struct ChildSpec {
  std::vector<std::string> argv;           // argv[0] is looked up in the PATH of env
  std::map<std::string, std::string> env;  // all of it
  std::filesystem::path folder;
  std::chrono::milliseconds deadline{0};
  std::chrono::milliseconds grace{10'000};  // between SIGTERM and SIGKILL
  int niceness = 0;
  int lock_fd = -1;        // a lock that the supervisor holds on to until the tree is gone; -1: none
  bool sandboxed = false;  // see close_off
};

enum class ChildEnd {
  exited,
  signalled,
  timed_out,
  cancelled,
  not_started,  // error says why: no such program, no such folder
  lost,         // the supervisor died under it; the tree was killed
};

struct ChildResult {
  ChildEnd end = ChildEnd::exited;
  int exit_code = 0;
  int signal = 0;
  std::int64_t duration_ms = 0;
  int left_behind = 0;  // processes that it left running; they were killed
  int unkillable = 0;   // processes that withstood SIGKILL
  std::string error;
};

// Called on the thread of run_child.
class ChildObserver {
 public:
  virtual ~ChildObserver() = default;
  virtual void output(std::string_view bytes) = 0;  // standard output and error, as they come
  virtual void tick() = 0;                          // every kTick while it runs
};

inline constexpr std::chrono::milliseconds kTick{200};  // how live logs and curves are

// Throws std::system_error where the host is out of descriptors, memory or processes.
ChildResult run_child(const ChildSpec& spec, ChildObserver& observer, const Cancellation& cancellation);

// Once a process, before the first run_child: orphans of a supervisor that died come to us.
void become_subreaper();

}  // namespace smgate::exec
