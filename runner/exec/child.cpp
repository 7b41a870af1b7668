#include "runner/exec/child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>

#include "runner/exec/process_tree.hpp"
#include "runner/exec/supervisor.hpp"

namespace smgate::exec {
namespace {

using Steady = std::chrono::steady_clock;
constexpr std::size_t kOutputBlock = 64U << 10U;  // what a pipe holds: one read empties it

[[noreturn]] void fail(const char* doing) { throw std::system_error(errno, std::generic_category(), doing); }

struct Channel {
  Fd ours;
  Fd theirs;
};

Channel make_pipe() {
  std::array<int, 2> fds{};
  if (pipe2(fds.data(), O_CLOEXEC) != 0) fail("pipe");
  Channel channel{Fd(fds[0]), Fd(fds[1])};
  fcntl(fds[0], F_SETFL, O_NONBLOCK);  // ours alone: the stage's end stays blocking
  return channel;
}

Channel make_control() {
  std::array<int, 2> fds{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds.data()) != 0) fail("socketpair");
  return {Fd(fds[0]), Fd(fds[1])};
}

Fd make_specification(const ChildSpec& spec) {
  Specification specification;
  specification.parent_pid = getpid();
  specification.grace_ms = spec.grace.count();
  specification.niceness = spec.niceness;
  specification.sandboxed = spec.sandboxed ? 1 : 0;
  specification.folder = spec.folder.string();
  specification.argv = spec.argv;
  for (const auto& [name, value] : spec.env) specification.environment.push_back(name + "=" + value);
  const std::string bytes = encode(specification);
  Fd memory(memfd_create("smgate-stage", MFD_CLOEXEC));
  if (!memory) fail("memfd_create");
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t wrote = write(memory.get(), bytes.data() + done, bytes.size() - done);
    if (wrote < 0) fail("write to memfd");
    done += static_cast<std::size_t>(wrote);
  }
  return memory;
}

// Descriptors below 10 are targets of dup2: sources are moved out of the way first.
Fd moved_up(int fd) {
  Fd high(fcntl(fd, F_DUPFD_CLOEXEC, 10));
  if (!high) fail("dup");
  return high;
}

class SpawnPlan {
 public:
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  void place(const Fd& from, int to) { posix_spawn_file_actions_adddup2(&actions_, from.get(), to); }
  pid_t start() {
    std::string program = "smgate-runner";
    std::string command = "supervise";
    std::array<char*, 3> argv{program.data(), command.data(), nullptr};
    pid_t pid = 0;
    // The running image, even where an upgrade has replaced the file.
    errno = posix_spawn(&pid, "/proc/self/exe", &actions_, &attributes_, argv.data(), environ);
    if (errno != 0) fail("cannot start the supervisor");
    return pid;
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

class Child {
 public:
  Child(const ChildSpec& spec, ChildObserver& observer, const Cancellation& cancellation)
      : spec_(spec), observer_(observer), cancellation_(cancellation), start_(Steady::now()) {}

  ChildResult run() {
    spawn();
    while (!over_) step();
    drain();
    int status = 0;
    while (waitpid(supervisor_, &status, 0) < 0 && errno == EINTR) {
    }
    return result();
  }

 private:
  void spawn() {
    Channel log = make_pipe();
    Channel control = make_control();
    const Fd specification = moved_up(make_specification(spec_).get());
    const Fd log_end = moved_up(log.theirs.get());
    const Fd control_end = moved_up(control.theirs.get());
    const Fd lock = spec_.lock_fd >= 0 ? moved_up(spec_.lock_fd) : Fd();
    SpawnPlan plan;
    plan.place(log_end, 1);
    plan.place(log_end, 2);
    plan.place(control_end, kControlFd);
    plan.place(specification, kSpecificationFd);
    if (lock) plan.place(lock, kLockFd);
    supervisor_ = plan.start();
    log_ = std::move(log.ours);
    control_ = std::move(control.ours);
    next_tick_ = start_ + kTick;
  }

  void step() {
    std::array<pollfd, 3> sources{{{log_.get(), POLLIN, 0}, {control_.get(), POLLIN, 0}, {stop_fd(), POLLIN, 0}}};
    poll(sources.data(), sources.size(), timeout_ms());
    if (sources[0].revents != 0) read_log();
    if (sources[1].revents != 0) read_control();
    if (cancellation_.requested()) stop(ChildEnd::cancelled);
    const auto now = Steady::now();
    if (now - start_ >= spec_.deadline) stop(ChildEnd::timed_out);
    if (now >= next_tick_) {
      observer_.tick();
      next_tick_ = Steady::now() + kTick;
    }
  }

  int stop_fd() const { return stopped_by_ == ChildEnd::exited ? cancellation_.fd() : -1; }

  int timeout_ms() const {
    auto until = next_tick_;
    if (stopped_by_ == ChildEnd::exited) until = std::min(until, start_ + spec_.deadline);
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Steady::now()).count() + 1;
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, kTick.count() + 1));
  }

  // False: nothing to read now, or ever.
  bool read_log() {
    std::array<char, kOutputBlock> block{};
    const ssize_t got = read(log_.get(), block.data(), block.size());
    if (got > 0) observer_.output({block.data(), static_cast<std::size_t>(got)});
    if (got == 0) log_.reset();
    return got > 0;
  }

  void read_control() {
    const ssize_t got = recv(control_.get(), &report_, sizeof report_, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    over_ = true;
    reported_ = got == static_cast<ssize_t>(sizeof report_);
  }

  void stop(ChildEnd why) {
    if (stopped_by_ != ChildEnd::exited) return;
    stopped_by_ = why;
    send(control_.get(), &kTerminate, 1, MSG_NOSIGNAL);
  }

  // All writers are dead but for unkillable ones, so what is in the pipe is all there will be.
  void drain() {
    if (!reported_) end_descendants(kKillPatience);
    while (log_ && read_log()) {
    }
    observer_.tick();
  }

  ChildResult result() const {
    ChildResult result;
    result.duration_ms = std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() - start_).count();
    result.exit_code = report_.exit_code;
    result.signal = report_.signal;
    result.left_behind = report_.left_behind;
    result.unkillable = report_.unkillable;
    if (!reported_) {
      result.end = ChildEnd::lost;
      result.error = "its supervisor died; was it killed by hand, or by the kernel for memory?";
    } else if (report_.start_errno != 0) {
      result.end = ChildEnd::not_started;
      result.error = std::strerror(report_.start_errno);  // NOLINT(concurrency-mt-unsafe): glibc's is safe
    } else if (stopped_by_ != ChildEnd::exited) {
      result.end = stopped_by_;
    } else if (report_.signal != 0) {
      result.end = ChildEnd::signalled;
    }
    return result;
  }

  const ChildSpec& spec_;
  ChildObserver& observer_;
  const Cancellation& cancellation_;
  const Steady::time_point start_;
  Steady::time_point next_tick_;
  Fd log_;
  Fd control_;
  pid_t supervisor_ = -1;
  Report report_;
  ChildEnd stopped_by_ = ChildEnd::exited;  // exited: nobody stopped it
  bool reported_ = false;
  bool over_ = false;
};

}  // namespace

ChildResult run_child(const ChildSpec& spec, ChildObserver& observer, const Cancellation& cancellation) {
  return Child(spec, observer, cancellation).run();
}

void become_subreaper() { prctl(PR_SET_CHILD_SUBREAPER, 1); }

}  // namespace smgate::exec
