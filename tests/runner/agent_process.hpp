// The agent as a process of its own, which a test can kill -9 and start again on the same data folder.
#pragma once

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/scratch.hpp"

namespace smgate::test {

class AgentProcess {
 public:
  AgentProcess(const Scratch& scratch, int port, const std::string& limits = "\"grace_ms\": 100", bool sandbox = false)
      : config_(scratch / "agent.jsonc"), once_(scratch / "crashed") {
    std::ofstream(config_) << "{\"server\": \"ws://127.0.0.1:" << port
                           << "\", \"name\": \"runner-1\", \"arch\": \"sm_89\", \"token\": \"secret\","
                              "\"data_folder\": \""
                           << (scratch / "data").string()
                           << "\", \"device\": {\"name\": \"CPU\", \"memory_bytes\": 1, \"emulated\": true},"
                              "\"sandbox\": {\"enabled\": "
                           << (sandbox ? "true" : "false")
                           << "}, "
                              "\"limits\": {\"reconnect_max_ms\": 200, \"free_disk_mib\": 0, "
                           << limits << "}}";
  }
  ~AgentProcess() {
    if (pid_ > 0) kill_hard();
  }
  AgentProcess(const AgentProcess&) = delete;
  AgentProcess& operator=(const AgentProcess&) = delete;

  // crash_at: it kills itself there, once for this object.
  void start(const std::string& crash_at = "") {
    std::vector<std::string> words{"agent-test", "agent", config_};
    std::vector<std::string> variables{"PATH=/usr/bin:/bin", "SMGATE_CRASH_AT=" + crash_at,
                                       "SMGATE_CRASH_ONCE=" + once_};
    for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"})
      if (const char* value = getenv(name)) variables.push_back(std::string(name) + "=" + value);
    const auto pointers = [](std::vector<std::string>& texts) {
      std::vector<char*> list;
      for (std::string& text : texts) list.push_back(text.data());
      list.push_back(nullptr);
      return list;
    };
    if (posix_spawn(&pid_, "/proc/self/exe", nullptr, nullptr, pointers(words).data(), pointers(variables).data()) != 0)
      throw std::runtime_error("cannot start the agent");
  }
  void terminate() const { kill(pid_, SIGTERM); }
  void kill_hard() {
    kill(pid_, SIGKILL);
    wait();
  }
  // The exit code; 128 + signal where one ended it.
  int wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  bool crashed() const { return std::filesystem::exists(once_); }  // at crash_at
  bool running() const { return pid_ > 0; }
  bool ended() {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) != pid_) return false;
    pid_ = -1;
    return true;
  }

 private:
  std::string config_;
  std::string once_;
  pid_t pid_ = -1;
};

}  // namespace smgate::test
