// smgate-server as a process of its own, which a test can kill -9 and start again on the same data and port.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "common/subprocess.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/process.hpp"
#include "tests/support/scratch.hpp"

namespace smgate::test {

class ServerProcess {
 public:
  // `config`: as the operator writes it, but for the port, which is a free one. Its log is `scratch / "server.log"`.
  ServerProcess(const Scratch& scratch, nlohmann::json config)
      : config_file_(scratch / "server.jsonc"),
        port_file_(scratch / "port"),
        once_(scratch / "crashed"),
        log_file_(scratch / "server.log") {
    config["port_file"] = port_file_.string();
    config["listen"] = "127.0.0.1:" + std::to_string(port_);
    std::ofstream(config_file_) << config.dump(1);
  }
  ~ServerProcess() {
    if (testing::Test::HasFailure()) std::cerr << std::ifstream(log_file_).rdbuf();
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // Returns once it answers, or has crashed. crash_at: it kills itself there, once for this object.
  void start(const std::string& crash_at = "") {
    std::filesystem::remove(port_file_);
    process_.start(program(), {program(), "serve", "--config", config_file_},
                   {"SMGATE_CRASH_AT=" + crash_at, "SMGATE_CRASH_ONCE=" + once_.string()}, log_file_);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!answers() && (crash_at.empty() || !crashed()))
      if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("the server does not answer");
  }
  void kill_hard() { process_.end(SIGKILL); }
  int stop() { return process_.end(SIGTERM); }
  int wait() { return process_.wait(); }                           // until it has ended by itself
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
  std::filesystem::path log_file_;
  std::uint16_t port_ = free_port();
  Process process_;
};

}  // namespace smgate::test
