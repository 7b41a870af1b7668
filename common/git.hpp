// A bare mirror of one repository, kept by the git program: fetches exact commits, reads files out of them, and finds
// merge bases. Used by the coordinator for the gate file and by the runner for checkouts; one object, one thread; two
// processes or threads may hold the same folder, git locks its own files.
//
// Nothing of a repository is run: no hooks, no configuration of the user's or the system's, no prompt, and only the
// transports file, https and ssh (an `ext::` URL would be a command line).
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/git_credential.hpp"
#include "common/ids.hpp"
#include "common/result.hpp"

namespace smgate {

struct GitLimits {
  std::chrono::milliseconds fetch_deadline{300'000};  // a first fetch of a large repository
  std::chrono::milliseconds read_deadline{30'000};
};

class GitMirror {
 public:
  // Makes the mirror where there is none. What `access` holds is given to fetches alone, and kept nowhere.
  static Result<GitMirror> open(const std::filesystem::path& folder, const std::string& url, GitLimits limits = {},
                                GitAccess access = {});

  // Makes sure that the commit, and with depth 0 its whole history, is here, and keeps it from being collected. Where
  // the server refuses to serve a commit by its name, `ref` is fetched instead, if it is not empty.
  Result<void> fetch(const CommitSha& commit, const std::string& ref, int depth);
  // Fetches a branch; its tip.
  Result<CommitSha> fetch_branch(const std::string& branch);

  bool has(const CommitSha& commit);
  // nullopt: the commit has no such file.
  Result<std::optional<std::string>> read(const CommitSha& commit, const std::string& path, std::size_t max_bytes);
  // nullopt: the two have no common history.
  Result<std::optional<CommitSha>> merge_base(const CommitSha& a, const CommitSha& b);

  const std::filesystem::path& folder() const { return folder_; }

  // Runs git with our environment, for what is not above. Exit codes other than 0 are errors that carry git's words.
  static Result<std::string> run(const std::vector<std::string>& arguments, const std::filesystem::path& folder,
                                 std::chrono::milliseconds deadline);

 private:
  GitMirror(std::filesystem::path folder, std::string url, GitLimits limits, GitAccess access);
  Result<void> fetch_refspecs(const std::vector<std::string>& refspecs, int depth);

  std::filesystem::path folder_;
  std::string url_;
  GitLimits limits_;
  GitAccess access_;
};

// Branch and tag names as git takes them (git-check-ref-format), and never an option.
bool is_safe_ref(const std::string& ref);
// file://, an absolute path, https://, ssh:// or user@host:path; without control characters.
bool is_safe_clone_url(const std::string& url);
// "https://user:secret@host/x" without what stands before the @, for errors and logs.
std::string without_credentials(const std::string& url);

}  // namespace smgate
