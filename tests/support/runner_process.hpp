// The shipped runner's agent as a process of its own, whose log is a file.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace smgate::test {

class RunnerProcess {
 public:
  // In `folder`: its configuration, data and log.
  RunnerProcess(const std::filesystem::path& folder, const nlohmann::json& config) {
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "runner.jsonc") << config.dump(1);
    std::vector<std::string> words{std::string(SMGATE_BIN_DIR) + "/smgate-runner", "agent", "--config",
                                   folder / "runner.jsonc"};
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, (folder / "log").c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    const int error = posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) throw std::runtime_error("cannot start the runner");
  }
  ~RunnerProcess() {
    if (pid_ > 0) stop(SIGKILL);
  }
  RunnerProcess(const RunnerProcess&) = delete;
  RunnerProcess& operator=(const RunnerProcess&) = delete;

  // The exit code; 128 + signal where one ended it.
  int stop(int signal = SIGTERM) {
    int status = 0;
    kill(pid_, signal);
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_ = -1;
};

}  // namespace smgate::test
