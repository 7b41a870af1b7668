// The agent's configuration: JSON with comments, every mistake named by its JSON pointer. Read once, by main.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/ids.hpp"
#include "common/protocol/messages.hpp"
#include "common/result.hpp"
#include "runner/exec/git.hpp"
#include "runner/exec/stages.hpp"

namespace smgate::agent {

struct ServerAddress {
  bool tls = false;
  std::string host;
  std::string port;
  std::string target;  // path of the request
};

// ws://host[:port][/path] or wss://...; without a path it is the protocol's, /runner/v1.
Result<ServerAddress> parse_server_address(const std::string& text);

struct AgentConfig {
  std::string server;
  ServerAddress address;
  std::filesystem::path ca_file;  // empty: the system's certificate authorities
  RunnerName name;
  Arch arch;
  std::string token;
  std::filesystem::path data_folder;
  protocol::Device device;
  std::map<std::string, std::string> env;  // for stages: where this host keeps its toolchains
  exec::GitSettings git;
  bool sandbox = true;                        // stages are closed off from this host
  std::vector<std::filesystem::path> hidden;  // what they do not see of it: all that is the agent's, and what was named
  exec::ExecLimits limits;
  std::int64_t drain_timeout_ms = 0;      // what a running job may still take after SIGTERM
  std::int64_t reconnect_max_ms = 0;      // the longest pause between two attempts
  std::uint64_t free_disk_bytes_min = 0;  // with less, no new job is taken
  std::string log_level;
};

// Relative files are looked up beside `file`. Reads token_file.
Result<AgentConfig> load_agent_config(const std::filesystem::path& file);
Result<AgentConfig> parse_agent_config(std::string_view text, const std::filesystem::path& file);

// Effective values, the token left out; for the log at start.
std::string describe(const AgentConfig& config);

}  // namespace smgate::agent
