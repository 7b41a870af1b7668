// `smgate-runner run`: the stages and contracts of a work tree at hand, without a server, with the same libraries that
// agent and coordinator use. Called by main, on its thread.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>

#include "runner/check/render.hpp"

namespace CLI {
class App;
}

namespace smgate::run {

struct Options {
  std::filesystem::path work_tree = ".";
  std::string arch;  // empty: the gate file's, where it names only one
  bool emulated = false;
  check::Format format = check::Format::text;
  std::filesystem::path keep;  // folder for events and logs, new or empty; empty: nothing is kept
};

// The report goes to `out`, the log of the stages and everything else to `log`. Returns the exit code: 0 pass, 1 fail,
// 3 inconclusive, 2 unusable input. SIGINT and SIGTERM end the stages; the verdict is then inconclusive.
int run_work_tree(const Options& options, std::ostream& out, std::ostream& log, bool terminal);

// Adds the subcommand; its callback sets exit_code.
void add_run_command(CLI::App& app, int& exit_code);

}  // namespace smgate::run
