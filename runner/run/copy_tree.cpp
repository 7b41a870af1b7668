#include "runner/run/copy_tree.hpp"

#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "common/git.hpp"

namespace smgate::run {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kGitDeadline{60'000};  // a listing of a large tree on a cold disk

Result<void> done(const Result<std::string>& git) {
  if (!git) return git.error();
  return {};
}

// The folder of `tree` in its repository, "" for the top; none where there is no repository.
std::optional<std::string> prefix_of(const fs::path& tree) {
  Result<std::string> prefix = GitMirror::run({"rev-parse", "--show-prefix"}, tree, kGitDeadline);
  if (!prefix) return std::nullopt;
  while (!prefix->empty() && prefix->back() == '\n') prefix->pop_back();
  return *prefix;
}

// A repository without a commit has nothing to borrow.
Result<void> borrow_repository(const fs::path& from, const fs::path& to) {
  if (!GitMirror::run({"rev-parse", "--verify", "HEAD"}, from, kGitDeadline)) return {};
  const std::vector<std::string> clone{"clone",       "--quiet", "--shared",    "--no-checkout",
                                       "--template=", "--",      from.string(), to.string()};
  if (Result<void> cloned = done(GitMirror::run(clone, from, kGitDeadline)); !cloned) return cloned;
  return done(GitMirror::run({"reset", "--quiet"}, to, kGitDeadline));
}

bool is_inside(const fs::path& path, const fs::path& folder) {
  const fs::path below = path.lexically_relative(folder);
  return !below.empty() && *below.begin() != "..";
}

// Links stay links; a socket or fifo of a program that runs there is nothing to build from.
void copy_entry(const fs::path& from, const fs::path& to, const fs::path& without) {
  if (is_inside(from, without)) return;
  const fs::file_status status = fs::symlink_status(from);  // not found: tracked, and deleted since
  if (fs::is_directory(status)) {
    fs::create_directories(to);
    for (const auto& entry : fs::directory_iterator(from))
      copy_entry(entry.path(), to / entry.path().filename(), without);
  } else if (fs::is_regular_file(status) || fs::is_symlink(status)) {
    fs::create_directories(to.parent_path());
    fs::copy(from, to, fs::copy_options::copy_symlinks);
  }
}

Result<void> copy_listed(const fs::path& from, const fs::path& to, const fs::path& without) {
  const auto listed =
      GitMirror::run({"ls-files", "-z", "--cached", "--others", "--exclude-standard"}, from, kGitDeadline);
  if (!listed) return listed.error();
  for (std::string_view rest = *listed; !rest.empty();) {
    std::string_view name = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    if (name.ends_with('/')) name.remove_suffix(1);  // a repository in the repository
    copy_entry(from / name, to / name, without);
  }
  return {};
}

}  // namespace

Result<void> copy_tree(const fs::path& from, const fs::path& to, const fs::path& without) try {
  const std::optional<std::string> prefix = prefix_of(from);
  if (prefix && prefix->empty())
    if (Result<void> borrowed = borrow_repository(from, to); !borrowed) return borrowed;
  fs::create_directories(to);
  if (prefix) return copy_listed(from, to, without);
  copy_entry(from, to, without);
  return {};
} catch (const fs::filesystem_error& error) {
  return Error{error.code().message(), error.path1().string(), "the work tree cannot be copied; is TMPDIR full?"};
}

}  // namespace smgate::run
