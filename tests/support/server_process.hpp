// smgate-server as a process of its own, which a test can kill -9 and start again on the same data and port.
#pragma once

#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/subprocess.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/scratch.hpp"

namespace smgate::test {

class ServerProcess {
 public:
  // `config`: as the operator writes it, but for the port, which is a free one.
  ServerProcess(const Scratch& scratch, nlohmann::json config)
      : config_file_(scratch / "server.jsonc"), port_file_(scratch / "port"), once_(scratch / "crashed") {
    config["port_file"] = port_file_.string();
    config["listen"] = "127.0.0.1:" + std::to_string(port_);
    std::ofstream(config_file_) << config.dump(1);
  }
  ~ServerProcess() {
    if (pid_ > 0) kill_hard();
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // Returns once it answers, or has crashed. crash_at: it kills itself there, once for this object.
  void start(const std::string& crash_at = "") {
    std::vector<std::string> words{program(), "serve", "--config", config_file_};
    std::vector<std::string> variables{"PATH=/usr/bin:/bin", "SMGATE_CRASH_AT=" + crash_at,
                                       "SMGATE_CRASH_ONCE=" + once_.string()};
    for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"})
      if (const char* value = getenv(name)) variables.push_back(std::string(name) + "=" + value);
    std::filesystem::remove(port_file_);
    if (posix_spawn(&pid_, words[0].c_str(), nullptr, nullptr, pointers(words).data(), pointers(variables).data()) != 0)
      throw std::runtime_error("cannot start the server");
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!answers() && (crash_at.empty() || !crashed()))
      if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("the server does not answer");
  }
  void kill_hard() {
    kill(pid_, SIGKILL);
    wait();
  }
  int stop() {
    kill(pid_, SIGTERM);
    return wait();
  }
  // Until it has ended: the exit code; 128 + signal where one ended it.
  int wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  bool crashed() const { return std::filesystem::exists(once_); }  // at crash_at
  std::uint16_t port() const { return port_; }
  std::string make_token(const std::string& runner, const std::string& arch) const {
    Command command;
    command.argv = {program(), "token", "create", "--runner", runner, "--arch", arch, "--config", config_file_};
    std::string token = run_command(command).value().out;
    token.erase(token.find_last_not_of('\n') + 1);
    return token;
  }

 private:
  static std::string program() { return std::string(SMGATE_BIN_DIR) + "/smgate-server"; }
  static std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> list;
    for (std::string& text : texts) list.push_back(text.data());
    list.push_back(nullptr);
    return list;
  }
  // Of a socket that was bound and closed: a restarted server is found where the first one was.
  static std::uint16_t free_port() {
    const int probe = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    const bool bound = bind(probe, reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
                       getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    close(probe);
    if (!bound) throw std::runtime_error("no free port");
    return ntohs(address.sin_port);
  }
  bool answers() {
    if (!std::filesystem::exists(port_file_)) return false;
    try {
      return http_get(port_, "/readyz").status == 200;
    } catch (const std::exception&) {
      return false;
    }
  }

  std::string config_file_;
  std::filesystem::path port_file_;
  std::filesystem::path once_;
  std::uint16_t port_ = free_port();
  pid_t pid_ = -1;
};

}  // namespace smgate::test
