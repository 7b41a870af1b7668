#include "runner/run/run.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "common/contract/judge.hpp"
#include "common/contract/outcome.hpp"
#include "common/file.hpp"
#include "common/gate/gate_file.hpp"
#include "common/git.hpp"
#include "runner/check/check.hpp"
#include "runner/check/render.hpp"
#include "runner/device/host.hpp"
#include "runner/exec/child.hpp"
#include "runner/exec/parts.hpp"
#include "runner/run/copy_tree.hpp"
#include "runner/run/folding_sink.hpp"
#include "runner/run/signal_watch.hpp"

namespace smgate::run {
namespace fs = std::filesystem;
namespace {

constexpr std::chrono::hours kNoDeadline{7 * 24};  // each stage has its own
constexpr std::chrono::milliseconds kGitDeadline{10'000};

Result<GateFile> read_gate(const Options& options) {
  const fs::path file = options.work_tree / kGateFileName;
  const Result<std::string> text = read_file(file, kGateFileBytesMax);
  if (!text) return text.error();
  return parse_gate_file(*text, file.string());
}

Result<Arch> choose_arch(const Options& options, const GateFile& gate) {
  if (!options.arch.empty()) return parse_arch(options.arch);
  if (gate.architectures.size() == 1) return gate.architectures.front();
  std::vector<std::string> names;
  for (const Arch& arch : gate.architectures) names.push_back(arch.value);
  return Error{fmt::format("the gate file requires {}; one is run at a time", fmt::join(names, ", ")), "--arch",
               "say which one this host is"};
}

// A folder of the user's own is never emptied.
Result<fs::path> job_folder(const Options& options) {
  if (options.keep.empty()) {
    std::string name = (fs::temp_directory_path() / "smgate-run-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr)
      return Error{"cannot make a folder", name, "set TMPDIR to one that is writable"};
    return fs::canonical(name);
  }
  std::error_code ignored;
  if (fs::exists(options.keep, ignored) && !fs::is_empty(options.keep, ignored))
    return Error{"is not empty", options.keep.string(), "name a new folder"};
  return fs::weakly_canonical(options.keep);
}

CommitSha head_of(const fs::path& work_tree) {
  const auto head = GitMirror::run({"rev-parse", "HEAD"}, work_tree, kGitDeadline);
  const auto commit =
      head ? parse_commit_sha(std::string_view(*head).substr(0, head->find('\n'))) : Result<CommitSha>{};
  return commit ? *commit : CommitSha{};  // SMGATE_COMMIT is empty outside of a repository
}

exec::JobPlan plan_of(const Options& options, const GateFile& gate, Arch arch) {
  exec::JobPlan plan;
  plan.work_tree = fs::canonical(options.work_tree);
  plan.commit = head_of(plan.work_tree);
  plan.arch = std::move(arch);
  plan.device.name = options.emulated ? device::host_name() + ", emulating " + plan.arch.value : device::host_name();
  plan.device.emulated = options.emulated;
  plan.stages = gate.stages;
  if (gate.adapter) plan.adapter = contract::to_json(*gate.adapter).dump();
  plan.deadline = std::chrono::steady_clock::now() + kNoDeadline;
  // At hand, the person's own toolchain counts: without it `run` would find less than a shell does.
  for (const char* name : {"PATH", "LD_LIBRARY_PATH", "CUDA_HOME", "CUDA_PATH"})
    if (const char* value = std::getenv(name)) plan.host_env[name] = value;  // NOLINT(concurrency-mt-unsafe)
  return plan;
}

contract::Report judge_stages(const exec::JobPlan& plan, const GateFile& gate, const fs::path& folder,
                              const fs::path& keep, std::ostream& log) {
  exec::Cancellation cancellation;
  const SignalWatch watch(cancellation);
  FoldingSink sink(log, keep);
  const exec::JobFolder job(folder);
  const exec::ExtraRuns extra{gate.policy.stability, gate.policy.controls,
                              [&](const fs::path& tree) { return copy_tree(plan.work_tree, tree, job.path()); }};
  const protocol::Finished finished = exec::run_parts(plan, extra, job, sink, cancellation);
  sink.write_own_events();
  contract::Report report = contract::judge(sink.facts(), gate.policy);
  contract::add_outcome(report, finished.outcome, finished.text);
  if (keep.empty() && !job.remove()) log << "smgate-runner run: " << folder << " cannot be removed\n";
  return report;
}

}  // namespace

int run_work_tree(const Options& options, std::ostream& out, std::ostream& log, bool terminal) {
  const auto refuse = [&log](const Error& error) {
    log << "smgate-runner run: " << error.text() << "\n";
    return check::kExitUnusable;
  };
  const Result<GateFile> gate = read_gate(options);
  if (!gate) return refuse(gate.error());
  const Result<Arch> arch = choose_arch(options, *gate);
  if (!arch) return refuse(arch.error());
  if (std::find(gate->architectures.begin(), gate->architectures.end(), *arch) == gate->architectures.end())
    log << fmt::format("smgate-runner run: the gate file does not require {}\n", arch->value);
  const Result<fs::path> folder = job_folder(options);
  if (!folder) return refuse(folder.error());
  exec::become_subreaper();
  const contract::Report report =
      judge_stages(plan_of(options, *gate, *arch), *gate, *folder, options.keep.empty() ? fs::path() : *folder, log);
  out << check::render(report, options.format, terminal);
  return check::exit_code(report.verdict);
}

void add_run_command(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("run", "Run a work tree's stages and judge them here, without a server");
  command->add_option("--work-tree", options->work_tree, "folder that holds .smgate.json")->capture_default_str();
  command->add_option("--arch", options->arch, "this host's architecture, as in sm_89");
  command->add_flag("--emulated", options->emulated, "a CPU plays the architecture");
  check::add_format_options(*command, options->format);
  command->add_option("--keep", options->keep, "new folder that keeps events and logs");
  command->callback(
      [options, &exit_code] { exit_code = run_work_tree(*options, std::cout, std::cerr, isatty(STDOUT_FILENO) == 1); });
}

}  // namespace smgate::run
