// A program as a child process that a test signals and waits for. It gets PATH, the sanitizers' options, and no other
// variable that is not given.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

namespace smgate::test {

class Process {
 public:
  Process() = default;
  ~Process() {
    if (running()) end(SIGKILL);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // words: argv. log: what it prints is appended there; empty: to the test's own output.
  void start(const std::string& program, std::vector<std::string> words, std::vector<std::string> variables = {},
             const std::string& log = "") {
    variables.emplace_back("PATH=/usr/bin:/bin");
    for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"})
      if (const char* value = getenv(name)) variables.push_back(std::string(name) + "=" + value);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    if (!log.empty()) {
      posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
      posix_spawn_file_actions_adddup2(&actions, 1, 2);
    }
    const int error =
        posix_spawn(&pid_, program.c_str(), &actions, nullptr, pointers(words).data(), pointers(variables).data());
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) throw std::runtime_error("cannot start " + program);
  }
  bool running() const { return pid_ > 0; }  // as far as anybody has waited
  void send(int signal) const {
    if (!running()) throw std::logic_error("there is no process to signal");  // -1 is every process there is
    kill(pid_, signal);
  }
  // The exit code; 128 + signal where one ended it.
  int wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  int end(int signal) {
    send(signal);
    return wait();
  }
  bool ended() {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) != pid_) return false;
    pid_ = -1;
    return true;
  }

 private:
  static std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> list;
    for (std::string& text : texts) list.push_back(text.data());
    list.push_back(nullptr);
    return list;
  }

  pid_t pid_ = -1;
};

}  // namespace smgate::test
