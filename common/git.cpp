#include "common/git.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>
#include <system_error>

#include "common/subprocess.hpp"

namespace smgate {
namespace {

constexpr std::size_t kErrorTextMax = 2000;  // git may print a page of advice

const std::map<std::string, std::string>& environment() {
  static const std::map<std::string, std::string> variables{
      {"GIT_TERMINAL_PROMPT", "0"},  {"GIT_CONFIG_NOSYSTEM", "1"},  {"GIT_CONFIG_GLOBAL", "/dev/null"},
      {"GIT_ASKPASS", "/bin/false"}, {"SSH_ASKPASS", "/bin/false"}, {"GIT_ALLOW_PROTOCOL", "file:https:ssh"},
      {"GIT_OPTIONAL_LOCKS", "0"},   {"LC_ALL", "C.UTF-8"},         {"HOME", "/nonexistent"},
  };
  return variables;
}

Command command(std::vector<std::string> arguments, const std::filesystem::path& folder,
                std::chrono::milliseconds deadline, GitHandover handover = {}) {
  std::vector<std::string> argv{"git",
                                "-c",
                                "core.hooksPath=/dev/null",
                                "-c",
                                "gc.auto=0",
                                "-c",
                                "safe.directory=*",
                                "-c",
                                "advice.detachedHead=false"};
  argv.insert(argv.end(), std::make_move_iterator(handover.options.begin()),
              std::make_move_iterator(handover.options.end()));
  argv.insert(argv.end(), std::make_move_iterator(arguments.begin()), std::make_move_iterator(arguments.end()));
  Command result;
  result.argv = std::move(argv);
  result.env = environment();
  result.env.merge(handover.env);
  result.folder = folder;
  result.deadline = deadline;
  return result;
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text.substr(0, kErrorTextMax);
}

Error failed(const std::vector<std::string>& arguments, const Output& output) {
  return {fmt::format("git {} failed with exit code {}: {}", arguments.front(), output.exit_code, trimmed(output.err)),
          "", "check the repository's address and that this host may read it"};
}

Result<std::string> run_git(const std::vector<std::string>& arguments, const Command& git) {
  Result<Output> output = run_command(git);
  if (!output) return output.error();
  if (output->exit_code != 0) return failed(arguments, *output);
  return std::move(output->out);
}

}  // namespace

Result<std::string> GitMirror::run(const std::vector<std::string>& arguments, const std::filesystem::path& folder,
                                   std::chrono::milliseconds deadline) {
  return run_git(arguments, command(arguments, folder, deadline));
}

GitMirror::GitMirror(std::filesystem::path folder, std::string url, GitLimits limits, GitAccess access)
    : folder_(std::move(folder)), url_(std::move(url)), limits_(limits), access_(std::move(access)) {}

Result<GitMirror> GitMirror::open(const std::filesystem::path& folder, const std::string& url, GitLimits limits,
                                  GitAccess access) {
  if (!is_safe_clone_url(url))
    return Error{"is no address that repositories are fetched from", url,
                 "use https://, ssh://, file:// or an absolute path"};
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  if (!std::filesystem::exists(folder / "HEAD")) {
    const auto made = run({"init", "--quiet", "--bare", "."}, folder, limits.read_deadline);
    if (!made) return made.error();
  }
  return GitMirror(folder, url, limits, std::move(access));
}

Result<void> GitMirror::fetch_refspecs(const std::vector<std::string>& refspecs, int depth) {
  std::vector<std::string> arguments{
      "fetch", "--quiet", "--no-tags", "--force", "--no-recurse-submodules", "--no-write-fetch-head"};
  if (depth > 0) arguments.push_back(fmt::format("--depth={}", depth));
  if (depth == 0 && std::filesystem::exists(folder_ / "shallow")) arguments.emplace_back("--unshallow");
  arguments.emplace_back("--");
  arguments.push_back(url_);
  arguments.insert(arguments.end(), refspecs.begin(), refspecs.end());
  GitHandover handover = access_.credential ? hand_over(*access_.credential, url_) : GitHandover{};
  if (!access_.ca_file.empty()) handover.env.emplace("GIT_SSL_CAINFO", access_.ca_file.string());
  const Result<std::string> fetched =
      run_git(arguments, command(arguments, folder_, limits_.fetch_deadline, std::move(handover)));
  if (fetched) return {};
  if (!is_access_refused(fetched.error().what)) return fetched.error();
  return access_refused(fetched.error().what, without_credentials(url_), access_.credential.has_value(),
                        access_.why_none);
}

Result<void> GitMirror::fetch(const CommitSha& commit, const std::string& ref, int depth) {
  if (has(commit)) return {};
  // A ref of our own keeps the commit from being collected.
  Result<void> fetched = fetch_refspecs({fmt::format("{0}:refs/smgate/{0}", commit.value)}, depth);
  if (fetched || ref.empty() || !is_safe_ref(ref)) return fetched;
  fetched = fetch_refspecs({fmt::format("{}:refs/smgate/{}", ref, commit.value)}, 0);
  if (fetched && !has(commit))
    return Error{fmt::format("commit {} is not in {} any more", commit.value, ref), url_,
                 "it may have been force-pushed away; push the branch again"};
  return fetched;
}

Result<CommitSha> GitMirror::fetch_branch(const std::string& branch) {
  if (!is_safe_ref(branch)) return Error{"\"" + branch + "\" is no branch name", url_, ""};
  const std::string ours = "refs/smgate-branches/" + branch;
  if (const Result<void> fetched = fetch_refspecs({"refs/heads/" + branch + ":" + ours}, 0); !fetched)
    return fetched.error();
  Result<std::string> tip = run({"rev-parse", "--verify", ours + "^{commit}"}, folder_, limits_.read_deadline);
  if (!tip) return tip.error();
  return parse_commit_sha(trimmed(*tip));
}

bool GitMirror::has(const CommitSha& commit) {
  return run({"cat-file", "-e", commit.value + "^{commit}"}, folder_, limits_.read_deadline).has_value();
}

Result<std::optional<std::string>> GitMirror::read(const CommitSha& commit, const std::string& path,
                                                   std::size_t max_bytes) {
  Result<std::string> listed = run({"ls-tree", "-l", "-z", commit.value, "--", path}, folder_, limits_.read_deadline);
  if (!listed) return listed.error();
  if (listed->empty()) return std::optional<std::string>{};
  // "100644 blob <sha> <size>\t<path>"
  if (listed->compare(0, 2, "10") != 0)
    return Error{fmt::format("is not a regular file in commit {}", commit.value), path,
                 "make it one; a link is not followed"};
  const std::string size = listed->substr(0, listed->find('\t'));
  if (std::stoull(size.substr(size.rfind(' ') + 1)) > max_bytes)
    return Error{fmt::format("is larger than {} bytes in commit {}", max_bytes, commit.value), path, "shorten it"};
  Result<std::string> text = run({"cat-file", "blob", commit.value + ":" + path}, folder_, limits_.read_deadline);
  if (!text) return text.error();
  return std::optional<std::string>(std::move(*text));
}

Result<std::optional<CommitSha>> GitMirror::merge_base(const CommitSha& a, const CommitSha& b) {
  const std::vector<std::string> arguments{"merge-base", a.value, b.value};
  Result<Output> output = run_command(command(arguments, folder_, limits_.read_deadline));
  if (!output) return output.error();
  if (output->exit_code == 1 && output->out.empty()) return std::optional<CommitSha>{};
  if (output->exit_code != 0) return failed(arguments, *output);
  Result<CommitSha> base = parse_commit_sha(trimmed(output->out));
  if (!base) return base.error();
  return std::optional<CommitSha>(std::move(*base));
}

bool is_safe_ref(const std::string& ref) {
  static constexpr std::string_view kForbidden = " ~^:?*[\\";
  const bool characters = std::none_of(ref.begin(), ref.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || kForbidden.find(c) != std::string_view::npos;
  });
  return !ref.empty() && ref.size() <= 255 && ref.front() != '-' && ref.front() != '/' && ref.back() != '/' &&
         ref.back() != '.' && characters && ref.find("..") == std::string::npos &&
         ref.find("//") == std::string::npos && ref.find("@{") == std::string::npos &&
         ref.find(".lock") == std::string::npos;
}

bool is_safe_clone_url(const std::string& url) {
  const auto control = [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; };
  if (url.empty() || url.size() > 2048 || std::any_of(url.begin(), url.end(), control)) return false;
  if (url.rfind("https://", 0) == 0 || url.rfind("ssh://", 0) == 0 || url.rfind("file:///", 0) == 0) return true;
  if (url.front() == '/') return true;
  const std::size_t at = url.find('@');  // user@host:path, as ssh takes it
  return url.front() != '-' && at != std::string::npos && url.find(':') != std::string::npos && at < url.find(':') &&
         url.find("::") == std::string::npos;
}

std::string without_credentials(const std::string& url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string::npos) return url;
  const std::size_t host = scheme + 3;
  const std::size_t at = url.substr(0, url.find('/', host)).rfind('@');
  return at == std::string::npos || at < host ? url : url.substr(0, host) + url.substr(at + 1);
}

}  // namespace smgate
