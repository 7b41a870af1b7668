// The descendants of the calling process, read from /proc, and their end. Used by the supervisor, and by the agent for
// what a supervisor that died left behind. The caller must be a subreaper (prctl(2), PR_SET_CHILD_SUBREAPER): then
// daemons and setsid'ed grandchildren stay descendants, however their parents end. One thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <vector>

namespace smgate::exec {

struct Process {
  pid_t pid = 0;
  pid_t parent = 0;
  std::uint64_t start_ticks = 0;  // with the pid, names one process for ever
  bool zombie = false;
};

// All but the caller itself; zombies are told, too.
std::vector<Process> descendants();

// Sends the signal to each that is still the process it was: a pid may have been given away since.
void signal_all(const std::vector<Process>& processes, int signal);

// SIGKILL to all descendants and reaps them, again and again until none is left. Returns how many were left when
// patience ended: a process inside a hanging driver call dies only when the driver lets it.
std::size_t end_descendants(std::chrono::milliseconds patience);

}  // namespace smgate::exec
