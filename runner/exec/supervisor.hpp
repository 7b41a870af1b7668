// The process between the agent and a stage: the program itself, started again with the argument `supervise`. It is
// the subreaper of everything that the stage starts and outlives none of it: it ends the whole tree when the stage
// ends, when the agent says so, and when the agent dies (its end of the control socket closes; PR_SET_PDEATHSIG as a
// second way). Single-threaded, so it may fork freely; the agent may not.
//
// Descriptors: 0 /dev/null, 1 and 2 the stage's log, 3 the control socket (SOCK_SEQPACKET), 4 the specification,
// 5 a lock that is held as long as a process of the tree may live (or closed).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smgate::exec {

inline constexpr int kControlFd = 3;
inline constexpr int kSpecificationFd = 4;
inline constexpr int kLockFd = 5;
inline constexpr char kTerminate = 'T';  // SIGTERM to the tree, SIGKILL after the grace

// How long processes may withstand SIGKILL, which only a hanging driver call lets them.
inline constexpr std::chrono::milliseconds kKillPatience{10'000};

struct Specification {
  std::int64_t parent_pid = 0;
  std::int64_t grace_ms = 0;
  std::int64_t niceness = 0;
  std::int64_t sandboxed = 0;  // 1: the stage is bubblewrap, in whose namespace an init of its own reaps
  std::string folder;
  std::vector<std::string> argv;
  std::vector<std::string> environment;  // NAME=value
};
std::string encode(const Specification& specification);
std::optional<Specification> decode(std::string_view bytes);

// The supervisor's last word. Both ends are the same program on the same machine: sent as it lies in memory.
struct Report {
  std::int32_t start_errno = 0;  // not 0: the program could not be started
  std::int32_t exit_code = 0;
  std::int32_t signal = 0;
  std::int32_t left_behind = 0;  // processes that the stage had left running when it ended
  std::int32_t unkillable = 0;
};

// main of `supervise`; returns the exit code.
int supervise();

}  // namespace smgate::exec
