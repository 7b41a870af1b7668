// A git host of private repositories, see git_server.py, as a process beside the test. One thread of the test drives
// it.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/git_repository.hpp"

namespace smgate::test {

class GitServer {
 public:
  // `certificate` and `key` in PEM: what it shows, for 127.0.0.1.
  GitServer(std::filesystem::path folder, const std::string& certificate, const std::string& key)
      : folder_(std::move(folder)) {
    std::filesystem::create_directories(folder_ / "repositories");
    std::ofstream(folder_ / "cert.pem") << certificate;
    std::ofstream(folder_ / "key.pem") << key;
    start();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!std::filesystem::exists(folder_ / "port"))
      if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("the git host does not answer");
    std::ifstream(folder_ / "port") >> port_;
  }
  ~GitServer() {
    close(input_);
    waitpid(pid_, nullptr, 0);
  }
  GitServer(const GitServer&) = delete;
  GitServer& operator=(const GitServer&) = delete;

  std::string origin() const { return "https://127.0.0.1:" + port_; }
  std::string url_of(const std::string& full_name) const { return origin() + "/" + full_name + ".git"; }
  std::filesystem::path certificate() const { return folder_ / "cert.pem"; }

  void add(const GitRepository& repository, const std::string& full_name) {
    const std::filesystem::path link = folder_ / "repositories" / (full_name + ".git");
    std::filesystem::create_directories(link.parent_path());
    std::filesystem::create_directory_symlink(repository.folder(), link);
  }
  // "TOKEN NAME" a line: the tokens that are good, each for the repository of this name.
  std::filesystem::path tokens() const { return folder_ / "tokens"; }
  void allow(const std::string& token, const std::string& name) {
    std::ofstream(tokens(), std::ios::app) << token << ' ' << name << '\n';
  }
  void refuse_tokens() {  // that were good so far
    std::ifstream old(tokens());
    std::ofstream(folder_ / "old_tokens", std::ios::app) << old.rdbuf();
    std::filesystem::remove(tokens());
  }
  void redirect_to(const std::string& origin) { std::ofstream(folder_ / "redirect") << origin; }

  std::vector<nlohmann::json> seen() const {
    std::vector<nlohmann::json> requests;
    std::ifstream file(folder_ / "seen");
    for (std::string line; std::getline(file, line);) requests.push_back(nlohmann::json::parse(line));
    return requests;
  }

 private:
  void start() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
    std::string words[] = {"python3", std::string(SMGATE_SOURCE_DIR) + "/tests/support/git_server.py",
                           folder_.string()};
    char* argv[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
    const int error = posix_spawnp(&pid_, "python3", &actions, nullptr, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[0]);
    input_ = ends[1];
    if (error != 0) throw std::runtime_error("cannot start the git host");
  }

  std::filesystem::path folder_;
  std::string port_;
  pid_t pid_ = -1;
  int input_ = -1;
};

}  // namespace smgate::test
