#include "runner/exec/process_tree.hpp"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <string>

#include "runner/exec/pidfd.hpp"

namespace smgate::exec {
namespace {

constexpr int kPassMs = 10;  // between two passes over a tree that is dying

// proc(5), /proc/PID/stat: "pid (comm) state ppid ... starttime ...", where comm may hold spaces and parentheses.
std::optional<Process> read_process(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(line.substr(name_end + 1));
  Process process;
  process.pid = pid;
  std::string state;
  std::string skipped;
  fields >> state >> process.parent;
  constexpr int kFieldsBetween = 17;  // from field 5 to field 21; starttime is field 22
  for (int i = 0; i < kFieldsBetween; ++i) fields >> skipped;
  fields >> process.start_ticks;
  if (!fields) return std::nullopt;
  process.zombie = state == "Z" || state == "X";
  return process;
}

std::vector<Process> all_processes() {
  std::vector<Process> processes;
  std::error_code gone;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", gone)) {
    const std::string name = entry.path().filename().string();
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc{} || end != name.data() + name.size()) continue;
    if (const auto process = read_process(pid)) processes.push_back(*process);
  }
  return processes;
}

bool reap() {  // false: no child is left, so no descendant is
  while (true) {
    const pid_t pid = waitpid(-1, nullptr, WNOHANG);
    if (pid == 0) return true;
    if (pid < 0 && errno == ECHILD) return false;
  }
}

}  // namespace

std::vector<Process> descendants() {
  const std::vector<Process> processes = all_processes();
  std::set<pid_t> family{getpid()};
  std::vector<Process> found;
  for (std::size_t before = 0; before != family.size();) {  // a child may stand before its parent: until nothing is new
    before = family.size();
    for (const Process& process : processes)
      if (family.contains(process.parent) && family.insert(process.pid).second) found.push_back(process);
  }
  return found;
}

void signal_all(const std::vector<Process>& processes, int signal) {
  for (const Process& process : processes) {
    if (process.zombie) continue;
    const Fd handle = open_pidfd(process.pid);
    const auto now = read_process(process.pid);
    if (!now || now->start_ticks != process.start_ticks) continue;
    if (handle)
      send_signal(handle, signal);
    else
      kill(process.pid, signal);  // a kernel without pidfd_open, or a process that ended just now
  }
}

std::size_t end_descendants(std::chrono::milliseconds patience) {
  const auto give_up = std::chrono::steady_clock::now() + patience;
  while (reap()) {
    const std::vector<Process> left = descendants();
    if (std::chrono::steady_clock::now() > give_up) return left.size();
    signal_all(left, SIGKILL);
    poll(nullptr, 0, kPassMs);
  }
  return 0;
}

}  // namespace smgate::exec
