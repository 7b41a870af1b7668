#include "runner/exec/supervisor.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "runner/exec/pidfd.hpp"
#include "runner/exec/process_tree.hpp"

namespace smgate::exec {
namespace {

using Steady = std::chrono::steady_clock;
constexpr int kUnusable = 2;     // exit code: started by hand, or the agent is gone already
constexpr int kSignalled = 128;  // exit codes above it, of shells and of bubblewrap: a signal

std::string read_all(int fd) {
  std::string bytes;
  std::array<char, 65536> block{};
  lseek(fd, 0, SEEK_SET);
  for (ssize_t got = 0; (got = read(fd, block.data(), block.size())) > 0;)
    bytes.append(block.data(), static_cast<std::size_t>(got));
  return bytes;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

// Between fork and exec. Returns only where the program cannot be started.
void become(Specification& specification) {
  setsid();  // a group and a session of its own: no terminal, and `kill 0` in a script hits only the script
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  setpriority(PRIO_PROCESS, 0, static_cast<int>(specification.niceness));
  if (chdir(specification.folder.c_str()) != 0) return;
  std::vector<char*> variables = pointers(specification.environment);
  environ = variables.data();  // so that execvp looks into the stage's PATH
  execvp(specification.argv[0].c_str(), pointers(specification.argv).data());
}

class Supervisor {
 public:
  explicit Supervisor(Specification specification) : specification_(std::move(specification)) {}

  int run() {
    sigset_t watched;
    sigemptyset(&watched);
    for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) sigaddset(&watched, signal);
    sigprocmask(SIG_BLOCK, &watched, nullptr);
    signals_ = Fd(signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
    if (start()) watch();
    send(kControlFd, &report_, sizeof report_, MSG_NOSIGNAL);
    return 0;
  }

 private:
  bool start() {
    std::array<int, 2> failure{};
    if (pipe2(failure.data(), O_CLOEXEC) != 0) return failed(errno);
    const Fd read_end(failure[0]);
    Fd write_end(failure[1]);
    stage_ = fork();
    if (stage_ < 0) return failed(errno);
    if (stage_ == 0) {
      become(specification_);
      const int error = errno;
      [[maybe_unused]] const ssize_t told = write(write_end.get(), &error, sizeof error);
      _exit(127);
    }
    write_end.reset();
    int error = 0;
    if (read(read_end.get(), &error, sizeof error) != sizeof error) return true;
    waitpid(stage_, nullptr, 0);
    return failed(error);
  }

  bool failed(int error) {
    report_.start_errno = error;
    return false;
  }

  void watch() {
    while (reap()) {
      const bool ending = kill_at_ != Steady::time_point::max();
      if (stage_ended_ && !ending) {
        report_.left_behind = left_behind();
        return kill_tree();
      }
      if (agent_gone_ || Steady::now() >= kill_at_) return kill_tree();
      wait();
    }
  }

  // False: nothing is left of the tree. Orphans come to us, so no child means no descendant.
  bool reap() {
    while (true) {
      int status = 0;
      const pid_t pid = waitpid(-1, &status, WNOHANG);
      if (pid == 0) return true;
      if (pid < 0 && errno == ECHILD) return false;
      if (pid == stage_) note_end(status);
    }
  }

  void note_end(int status) {
    stage_ended_ = true;
    if (WIFEXITED(status)) report_.exit_code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) report_.signal = WTERMSIG(status);
    // Of a program that a signal ended bubblewrap says what a shell does.
    const int signal = report_.exit_code - kSignalled;
    if (specification_.sandboxed == 0 || signal <= 0 || signal > SIGRTMAX) return;
    report_.exit_code = 0;
    report_.signal = signal;
  }

  // The init of a sandbox, ours since bubblewrap ended, goes by itself with the last of its processes.
  std::int32_t left_behind() const {
    const std::vector<Process> tree = descendants();
    if (specification_.sandboxed == 0) return static_cast<std::int32_t>(tree.size());
    return static_cast<std::int32_t>(std::count_if(tree.begin(), tree.end(), [](const Process& process) {
      return process.parent != getpid() && !process.zombie;
    }));
  }

  void wait() {
    std::array<pollfd, 2> sources{{{signals_.get(), POLLIN, 0}, {kControlFd, POLLIN, 0}}};
    poll(sources.data(), sources.size(), timeout_ms());
    signalfd_siginfo signal{};
    while (read(signals_.get(), &signal, sizeof signal) == sizeof signal)
      if (signal.ssi_signo != SIGCHLD) agent_gone_ = true;  // PR_SET_PDEATHSIG, or somebody wants us gone
    if (sources[1].revents == 0) return;
    char word = 0;
    const ssize_t got = recv(kControlFd, &word, 1, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) agent_gone_ = true;
    if (got == 1 && word == kTerminate) terminate();
  }

  int timeout_ms() const {
    if (kill_at_ == Steady::time_point::max()) return -1;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(kill_at_ - Steady::now()).count() + 1;
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
  }

  void terminate() {
    if (kill_at_ != Steady::time_point::max()) return;
    kill_at_ = Steady::now() + std::chrono::milliseconds(specification_.grace_ms);
    std::vector<Process> tree = descendants();
    // Bubblewrap would go at once, and take with it how the stage ends.
    if (specification_.sandboxed != 0)
      std::erase_if(tree, [&](const Process& process) { return process.pid == stage_; });
    signal_all(tree, SIGTERM);
    signal_all(tree, SIGCONT);  // a stopped process sees no SIGTERM
  }

  void kill_tree() {
    signal_all(descendants(), SIGKILL);
    int status = 0;
    if (!stage_ended_ && reap_stage(status)) note_end(status);
    report_.unkillable = static_cast<std::int32_t>(end_descendants(kKillPatience));
  }

  // Its status would be lost in end_descendants. Bounded: it may hang in a driver call.
  bool reap_stage(int& status) const {
    const Fd handle = open_pidfd(stage_);
    pollfd source{handle.get(), POLLIN, 0};
    if (handle) poll(&source, 1, static_cast<int>(kKillPatience.count()));
    return waitpid(stage_, &status, WNOHANG) == stage_;
  }

  Specification specification_;
  Report report_;
  Fd signals_;
  pid_t stage_ = -1;
  bool stage_ended_ = false;
  bool agent_gone_ = false;
  Steady::time_point kill_at_ = Steady::time_point::max();  // max: nobody asked the stage to end
};

}  // namespace

int supervise() {
  const std::optional<Specification> specification = decode(read_all(kSpecificationFd));
  if (!specification) return kUnusable;
  close_range(kLockFd + 1, ~0U, 0);  // whatever the agent was started with
  for (const int fd : {kControlFd, kSpecificationFd, kLockFd}) fcntl(fd, F_SETFD, FD_CLOEXEC);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != specification->parent_pid) return kUnusable;  // it died before the line above
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  return Supervisor(*specification).run();
}

}  // namespace smgate::exec
