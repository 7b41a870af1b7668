#include "common/subprocess.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <spdlog/fmt/fmt.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>

namespace smgate {
namespace {

using Steady = std::chrono::steady_clock;

class Pipe {
 public:
  Pipe() {
    if (pipe2(fds_.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  int read_end() const { return fds_[0]; }
  int write_end() const { return fds_[1]; }
  void close_end(std::size_t end) {
    if (fds_[end] >= 0) close(fds_[end]);
    fds_[end] = -1;
  }

 private:
  std::array<int, 2> fds_{-1, -1};
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

std::vector<std::string> environment(const Command& command) {
  std::vector<std::string> lines;
  const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): nothing here sets variables
  lines.push_back(std::string("PATH=") + (path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path));
  for (const auto& [name, value] : command.env) lines.push_back(name + "=" + value);
  return lines;
}

// posix_spawn: safe in a program with threads. A group of its own, so that the deadline reaches helpers of the helper.
int spawn(const Command& command, Pipe& out, Pipe& err, pid_t& pid) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out.write_end(), 1);
  posix_spawn_file_actions_adddup2(&actions, err.write_end(), 2);
  if (!command.folder.empty()) posix_spawn_file_actions_addchdir_np(&actions, command.folder.c_str());
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  std::vector<std::string> argv = command.argv;
  std::vector<std::string> env = environment(command);
  const int error =
      posix_spawnp(&pid, argv[0].c_str(), &actions, &attributes, pointers(argv).data(), pointers(env).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return error;
}

// False at the end of the stream.
bool drain(int fd, std::string& into) {
  char block[65536];
  const ssize_t got = read(fd, block, sizeof block);
  if (got < 0) return errno == EINTR || errno == EAGAIN;
  into.append(block, static_cast<std::size_t>(got));
  return got > 0;
}

enum class Ended { streams_closed, deadline, too_much };

Ended collect(const Command& command, Pipe& out, Pipe& err, Output& output) {
  const Steady::time_point deadline = Steady::now() + command.deadline;
  std::array<pollfd, 2> streams{{{out.read_end(), POLLIN, 0}, {err.read_end(), POLLIN, 0}}};
  while (streams[0].fd >= 0 || streams[1].fd >= 0) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Steady::now()).count();
    if (left <= 0) return Ended::deadline;
    poll(streams.data(), streams.size(), static_cast<int>(std::min<long long>(left, 60'000)));
    for (std::size_t i = 0; i < streams.size(); ++i)
      if (streams[i].fd >= 0 && streams[i].revents != 0 && !drain(streams[i].fd, i == 0 ? output.out : output.err))
        streams[i].fd = -1;
    if (output.out.size() + output.err.size() > command.output_bytes_max) return Ended::too_much;
  }
  return Ended::streams_closed;
}

int wait_for(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

Result<Output> run_command(const Command& command) {
  Pipe out;
  Pipe err;
  pid_t pid = 0;
  if (const int error = spawn(command, out, err, pid); error != 0)
    return Error{fmt::format("cannot be started: {}", std::strerror(error)), command.argv[0],
                 "check that it is installed"};
  out.close_end(1);
  err.close_end(1);
  Output output;
  const Ended ended = collect(command, out, err, output);
  if (ended != Ended::streams_closed) kill(-pid, SIGKILL);
  output.exit_code = wait_for(pid);
  if (ended == Ended::deadline)
    return Error{fmt::format("did not end within {} ms and was killed", command.deadline.count()), command.argv[0], ""};
  if (ended == Ended::too_much)
    return Error{fmt::format("printed more than {} bytes and was killed", command.output_bytes_max), command.argv[0],
                 ""};
  return output;
}

}  // namespace smgate
