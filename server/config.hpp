// What the operator decides: read once at start from one JSON file with comments. Values only; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.hpp"

namespace smgate {

inline constexpr std::size_t kConfigBytesMax = 1U << 20U;  // a thousand repositories are 100 KB

// How the server speaks to GitHub: as an App, or with a personal token; neither: checks are not reported.
struct GithubConfig {
  std::string api_url = "https://api.github.com";  // of GitHub Enterprise: https://HOST/api/v3
  std::string client_id;                           // of the App
  std::string private_key;                         // PEM, read from private_key_file
  std::string token;                               // read from token_file
  std::filesystem::path ca_file;                   // empty: the system's certificates
};

struct Config {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;                       // 0: any free one
  std::optional<std::filesystem::path> port_file;  // the port actually bound is written here, with a newline
  std::string public_url;                          // as people and GitHub reach us; empty: http://address:port
  std::filesystem::path data_folder;               // mirrors of repositories; made where it is absent
  std::filesystem::path database;                  // shipped: smgate.db in data_folder
  std::string webhook_secret;
  GithubConfig github;
  bool read_needs_token = false;  // whether reading the API needs a token; what changes something always does
  bool emulated_satisfies_required = false;  // whether an emulated run satisfies a required architecture
  // owner/name -> clone URL; empty: what the webhook says. Others' webhooks are answered, and nothing is done.
  std::map<std::string, std::string> repositories;
  std::int64_t lease_ms = 60'000;
  std::int64_t heartbeat_ms = 5'000;
  std::int64_t git_deadline_ms = 300'000;
  // How long a lost webhook is noticed late. A round is a read for the App and two for each repository, of which those
  // that show nothing new do not count against GitHub's limits.
  std::int64_t recovery_ms = 600'000;
  std::int64_t drain_ms = 10'000;
  std::int64_t raw_days = 90;  // how long events and logs are kept after a job's end, as on GitHub; 0: for ever
  int store_readers = 2;
  std::string log_level = "info";
};

// Relative paths are relative to the file's folder. The error names every mistake by file and JSON pointer.
Result<Config> load_config(const std::filesystem::path& file);
Result<Config> parse_config(std::string_view text, const std::filesystem::path& file);

// Effective values, secrets left out.
nlohmann::json to_json(const Config& config);

}  // namespace smgate
