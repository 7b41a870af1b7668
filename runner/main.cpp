// smgate-runner: the program of the hosts that have a GPU. Reads the command line; all else is in the libraries.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

#include "common/crash_point.hpp"
#include "common/log.hpp"
#include "runner/agent/agent.hpp"
#include "runner/agent/crash_points.hpp"
#include "runner/ask/ask.hpp"
#include "runner/check/check.hpp"
#include "runner/exec/supervisor.hpp"
#include "runner/lint/lint.hpp"
#include "runner/run/run.hpp"

namespace {

constexpr int kUnusable = 2;  // usage, or an input that cannot be read

int run_agent(const std::string& file) {
  const auto config = smgate::agent::load_agent_config(file);
  if (!config) {
    std::fprintf(stderr, "smgate-runner: %s\n", config.error().text().c_str());
    return kUnusable;
  }
  smgate::arm_crash_points(smgate::agent::kCrashPoints);
  smgate::set_up_log("smgate-runner", config->log_level);
  return smgate::agent::run_agent(*config);
}

void add_agent_command(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("agent", "Dial the coordinator and run the jobs that it assigns");
  auto file = std::make_shared<std::string>("/etc/smgate/runner.jsonc");
  command->add_option("--config", *file, "Configuration, JSON with comments")->capture_default_str();
  command->callback([file, &exit_code] { exit_code = run_agent(*file); });
}

void add_crash_points_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("crash-points", "Print where SMGATE_CRASH_AT can stop the agent; for tests");
  command->callback([] {
    for (const std::string_view name : smgate::agent::kCrashPoints) std::puts(std::string(name).c_str());
  });
}

int run(int argc, char** argv) {
  int exit_code = 0;
  CLI::App app("smgate's runner: builds and runs commits on this host's GPU and reports what happened");
  app.set_version_flag("--version", "smgate-runner " SMGATE_VERSION);
  app.require_subcommand(1);
  add_agent_command(app, exit_code);
  smgate::run::add_run_command(app, exit_code);
  smgate::check::add_check_command(app, exit_code);
  smgate::lint::add_lint_command(app, exit_code);
  smgate::ask::add_ask_commands(app, exit_code);
  add_crash_points_command(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUnusable;
  }
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  // Before anything else: the supervisor of a stage has no log, no locale and no threads.
  if (argc == 2 && std::string_view(argv[1]) == "supervise") return smgate::exec::supervise();
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "smgate-runner: %s\n", error.what());
    return 1;
  }
}
