// The check command as a program of its own, for tests.
#include <CLI/CLI.hpp>

#include "runner/check/check.hpp"

int main(int argc, char** argv) {
  CLI::App app{"smgate-check"};
  app.require_subcommand(1);
  int code = 0;
  smgate::check::add_check_command(app, code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : smgate::check::kExitUnusable;
  }
  return code;
}
