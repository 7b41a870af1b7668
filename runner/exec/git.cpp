#include "runner/exec/git.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include "runner/exec/child.hpp"

namespace smgate::exec {
namespace {

constexpr std::size_t kOutputMax = 64U << 10U;  // of git's words the last are kept
constexpr std::size_t kLastWordsMax = 1000;     // of these, what an error carries
constexpr std::chrono::milliseconds kGrace{2000};

class LastWords final : public ChildObserver {
 public:
  void output(std::string_view bytes) override {
    text_ += bytes;
    if (text_.size() > kOutputMax) text_.erase(0, text_.size() - kOutputMax);
  }
  void tick() override {}
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

std::string last_words(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  if (text.size() > kLastWordsMax) text = "..." + text.substr(text.size() - kLastWordsMax);
  return text;
}

}  // namespace

Git::Git(GitSettings settings, std::filesystem::path home, const Cancellation& cancellation, int lock_fd)
    : settings_(std::move(settings)), home_(std::move(home)), cancellation_(cancellation), lock_fd_(lock_fd) {}

std::map<std::string, std::string> Git::environment() const {
  std::map<std::string, std::string> variables{
      {"PATH", "/usr/local/bin:/usr/bin:/bin"},
      {"HOME", home_.string()},
      {"LC_ALL", "C.UTF-8"},
      {"GIT_TERMINAL_PROMPT", "0"},
      {"GIT_ASKPASS", "/bin/false"},
      {"SSH_ASKPASS", "/bin/false"},
      {"GIT_CONFIG_NOSYSTEM", "1"},
      {"GIT_CONFIG_GLOBAL", "/dev/null"},
      {"GIT_ATTR_NOSYSTEM", "1"},
      {"GIT_SSH_COMMAND", "ssh -o BatchMode=yes"},
  };
  for (const auto& [name, value] : settings_.env) variables[name] = value;
  variables["GIT_ALLOW_PROTOCOL"] = fmt::format("{}", fmt::join(settings_.protocols, ":"));
  return variables;
}

Result<std::string> Git::run(const std::vector<std::string>& arguments, const std::filesystem::path& folder,
                             const GitHandover& handover) const {
  ChildSpec spec;
  spec.argv = {"git",
               "-c",
               "core.hooksPath=/dev/null",
               "-c",
               "core.fsmonitor=false",
               "-c",
               "gc.auto=0",
               "-c",
               "maintenance.auto=false",
               "-c",
               "advice.detachedHead=false",
               "-c",
               "submodule.recurse=false"};
  spec.argv.insert(spec.argv.end(), handover.options.begin(), handover.options.end());
  spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
  spec.env = environment();
  for (const auto& [name, value] : handover.env) spec.env[name] = value;
  spec.folder = folder;
  spec.deadline = settings_.fetch_timeout;
  spec.grace = kGrace;
  spec.lock_fd = lock_fd_;
  LastWords words;
  const ChildResult result = run_child(spec, words, cancellation_);
  if (result.end == ChildEnd::exited && result.exit_code == 0) return words.take();
  const std::string what = "git " + arguments.front();
  switch (result.end) {
    case ChildEnd::cancelled:
      return Error{what + " was stopped: " + cancellation_.text(), "", ""};
    case ChildEnd::not_started:
      return Error{what + " cannot be started: " + result.error, "", "install git"};
    case ChildEnd::timed_out:
      return Error{fmt::format("{} did not end within {} s", what, spec.deadline.count() / 1000), "",
                   "check the network, or raise git.fetch_timeout_s"};
    default:
      return Error{what + " failed: " + last_words(words.take()), "", ""};
  }
}

}  // namespace smgate::exec
