// The shipped runner's agent as a process of its own, whose log is a file.
#pragma once

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/process.hpp"

namespace smgate::test {

class RunnerProcess {
 public:
  // In `folder`: its configuration, data and log.
  RunnerProcess(const std::filesystem::path& folder, const nlohmann::json& config) {
    std::filesystem::create_directories(folder);
    const std::string file = folder / "runner.jsonc";
    std::ofstream(file) << config.dump(1);
    const std::string program = std::string(SMGATE_BIN_DIR) + "/smgate-runner";
    process_.start(program, {program, "agent", "--config", file}, {}, folder / "log");
  }
  int stop() { return process_.end(SIGTERM); }

 private:
  Process process_;
};

}  // namespace smgate::test
