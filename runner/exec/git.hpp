// Runs git as a supervised child: cancel and deadline reach its helpers, and nothing of the repository, the user or
// the system is run or read (hooks, configuration, prompts, transports that are command lines). The job's thread.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/git_credential.hpp"
#include "common/result.hpp"
#include "runner/exec/cancellation.hpp"

namespace smgate::exec {

struct GitSettings {
  std::vector<std::string> protocols{"https", "ssh", "file"};
  // On top of the clean environment: GIT_SSH_COMMAND, GIT_CONFIG_GLOBAL with credentials, https_proxy,
  // GIT_SSL_CAINFO...
  std::map<std::string, std::string> env;
  std::chrono::milliseconds fetch_timeout{600'000};  // a first fetch of a large repository
};

class Git {
 public:
  // `home` is a scratch folder for git's HOME. All three are borrowed but for the settings.
  Git(GitSettings settings, std::filesystem::path home, const Cancellation& cancellation, int lock_fd);

  // Standard output and error together; an error where git fails, with its last words.
  // `handover` is this call's alone.
  Result<std::string> run(const std::vector<std::string>& arguments, const std::filesystem::path& folder,
                          const GitHandover& handover = {}) const;

 private:
  std::map<std::string, std::string> environment() const;

  GitSettings settings_;
  std::filesystem::path home_;
  const Cancellation& cancellation_;
  int lock_fd_;
};

}  // namespace smgate::exec
