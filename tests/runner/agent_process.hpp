// The agent as a process of its own, which a test can kill -9 and start again on the same data folder.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/process.hpp"
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
  // crash_at: it kills itself there, once for this object.
  void start(const std::string& crash_at = "") {
    process_.start("/proc/self/exe", {"agent-test", "agent", config_},
                   {"SMGATE_CRASH_AT=" + crash_at, "SMGATE_CRASH_ONCE=" + once_});
  }
  void terminate() const { process_.send(SIGTERM); }
  void kill_hard() { process_.end(SIGKILL); }
  int wait() { return process_.wait(); }
  bool crashed() const { return std::filesystem::exists(once_); }  // at crash_at
  bool running() const { return process_.running(); }
  bool ended() { return process_.ended(); }

 private:
  std::string config_;
  std::string once_;
  Process process_;
};

}  // namespace smgate::test
