#include "runner/exec/sandbox.hpp"

#include "common/find_program.hpp"

namespace smgate::exec {
namespace fs = std::filesystem;
namespace {

constexpr std::chrono::seconds kTrialDeadline{30};  // a host under load; it takes milliseconds

// A file is covered by a device that a mount without devices cannot open.
void hide(const fs::path& path, std::vector<std::string>& words) {
  std::error_code none;
  if (fs::is_directory(path, none)) words.insert(words.end(), {"--tmpfs", path.string()});
  if (fs::is_regular_file(path, none)) words.insert(words.end(), {"--ro-bind", "/dev/null", path.string()});
}

std::vector<std::string> view_of(const Sandbox& sandbox) {
  std::vector<std::string> words{"--unshare-pid", "--unshare-ipc", "--ro-bind", "/",        "/",      "--dev-bind",
                                 "/dev",          "/dev",          "--tmpfs",   "/dev/shm", "--proc", "/proc"};
  for (const char* temporary : {"/tmp", "/var/tmp"})
    words.insert(words.end(), {"--bind", (sandbox.folder / "tmp").string(), temporary});
  for (const fs::path& path : sandbox.hidden) hide(path, words);
  for (const fs::path& path : sandbox.shown) words.insert(words.end(), {"--ro-bind", path.string(), path.string()});
  words.insert(words.end(), {"--bind", sandbox.folder.string(), sandbox.folder.string()});
  return words;
}

class Output final : public ChildObserver {
 public:
  void output(std::string_view bytes) override { text += bytes; }
  void tick() override {}
  std::string text;
};

}  // namespace

void close_off(const Sandbox& sandbox, ChildSpec& spec) {
  std::vector<std::string> words{sandbox.program.string()};
  for (std::string& word : view_of(sandbox)) words.push_back(std::move(word));
  for (const auto& [name, value] : spec.env) words.insert(words.end(), {"--setenv", name, value});
  // env(1) ends with 127 where there is no such program, as a shell does; bubblewrap would end with 1.
  words.insert(words.end(), {"--chdir", spec.folder.string(), "--", "/usr/bin/env"});
  words.insert(words.end(), spec.argv.begin(), spec.argv.end());
  spec.argv = std::move(words);
  spec.env.clear();
  spec.sandboxed = true;
}

Result<Sandbox> open_sandbox(std::vector<fs::path> hidden) {
  const std::string remedy =
      "install bubblewrap and allow user namespaces (in a container: leave /proc unmasked), or, where all commits are "
      "trusted, set /sandbox/enabled to false";
  const std::string program = find_program("bwrap");
  if (program.empty()) return Error{"stages cannot be closed off from this host", "bwrap is not in PATH", remedy};
  ChildSpec trial;
  trial.argv = {program,        "--unshare-pid", "--unshare-ipc", "--ro-bind", "/",     "/",
                "--dev-bind",   "/dev",          "/dev",          "--proc",    "/proc", "--",
                "/usr/bin/env", "true"};
  trial.folder = "/";
  trial.deadline = kTrialDeadline;
  Output output;
  const ChildResult result = run_child(trial, output, Cancellation());
  if (result.end == ChildEnd::exited && result.exit_code == 0) return Sandbox{program, std::move(hidden), {}, {}};
  return Error{"stages cannot be closed off from this host", program + ": " + output.text + result.error, remedy};
}

}  // namespace smgate::exec
