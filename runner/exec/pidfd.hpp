// pidfd_open(2) and pidfd_send_signal(2) by number: Debian 12's <sys/pidfd.h> declares them without C linkage.
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include "runner/exec/fd.hpp"

namespace smgate::exec {

// Empty where the process is gone or the kernel is older than 5.3.
inline Fd open_pidfd(pid_t pid) { return Fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))); }

inline void send_signal(const Fd& pidfd, int signal) {
  syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0);  // one that is gone needs none
}

}  // namespace smgate::exec
