// A real git repository in a scratch folder, in few words: commit files, name commits.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/ids.hpp"
#include "common/subprocess.hpp"
#include "tests/support/scratch.hpp"

namespace smgate::test {

class GitRepository {
 public:
  explicit GitRepository(std::filesystem::path folder) : folder_(std::move(folder)) {
    std::filesystem::create_directories(folder_);
    git({"init", "--quiet", "--initial-branch=main", "."});
  }

  // Writes the files and commits them to the branch at hand.
  CommitSha commit(const std::map<std::string, std::string>& files, const std::string& message = "change") {
    for (const auto& [name, text] : files) {
      std::filesystem::create_directories((folder_ / name).parent_path());
      std::ofstream(folder_ / name) << text;
    }
    git({"add", "--all"});
    git({"commit", "--quiet", "--allow-empty", "-m", message});
    return head();
  }
  CommitSha head() { return parse_commit_sha(git({"rev-parse", "HEAD"}).substr(0, 40)).value(); }
  void branch(const std::string& name) { git({"checkout", "--quiet", "-b", name}); }
  void checkout(const std::string& name) { git({"checkout", "--quiet", name}); }

  std::string git(const std::vector<std::string>& arguments) {
    Command command;
    command.argv = {"git"};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    command.folder = folder_;
    command.env = {{"GIT_CONFIG_NOSYSTEM", "1"},
                   {"GIT_CONFIG_GLOBAL", "/dev/null"},
                   {"GIT_AUTHOR_NAME", "A. Developer"},
                   {"GIT_AUTHOR_EMAIL", "a@example.com"},
                   {"GIT_COMMITTER_NAME", "A. Developer"},
                   {"GIT_COMMITTER_EMAIL", "a@example.com"},
                   {"HOME", "/nonexistent"}};
    const Result<Output> output = run_command(command);
    if (!output) throw std::runtime_error(output.error().text());
    if (output->exit_code != 0) throw std::runtime_error("git " + arguments[0] + ": " + output->err);
    return output->out;
  }

  const std::filesystem::path& folder() const { return folder_; }
  std::string url() const { return folder_.string(); }

 private:
  std::filesystem::path folder_;
};

}  // namespace smgate::test
