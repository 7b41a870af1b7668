// smgate-server: the coordinator. Reads its command line, and hands over to App or to one of the commands.
#include <spdlog/fmt/fmt.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>

#include "common/crash_point.hpp"
#include "common/log.hpp"
#include "common/sd_notify.hpp"
#include "server/app.hpp"
#include "server/commands.hpp"
#include "server/store/crash_points.hpp"

namespace smgate {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr const char* kDefaultConfig = "/etc/smgate/server.jsonc";

// Every runner is a socket, and the shell's default is 1024.
void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int serve(const Config& config) {
  set_up_log("smgate-server", config.log_level);
  arm_crash_points(store::kCrashPoints);
  raise_file_limit();
  spdlog::info("configuration {}", to_json(config).dump());
  const SystemClock clock;
  SystemRandom random;
  App app(config, clock, random);
  app.stop_on_signals([] { sd_notify("STOPPING=1"); });
  const std::uint16_t port = app.start();
  // One line, for whoever started us with port 0; the rest of what we say is the log on standard error.
  fmt::print("{}\n", nlohmann::json{{"address", config.address}, {"port", port}, {"url", app.url()}}.dump());
  std::fflush(stdout);
  sd_notify("READY=1");
  spdlog::info("ready url={}", app.url());
  app.run();
  spdlog::info("stopped");
  return 0;
}

int with_config(const std::string& file, const std::function<int(const Config&)>& command) {
  const Result<Config> config = load_config(file);
  if (!config) {
    fmt::print(stderr, "smgate-server: {}\n", config.error().text());
    return kUsage;
  }
  try {
    return command(*config);
  } catch (const std::exception& error) {
    fmt::print(stderr, "smgate-server: {}\n", error.what());
    return kFailed;
  }
}

struct Arguments {
  std::string config = kDefaultConfig;
  std::string runner;
  std::string arch;
};

CLI::Option* add_config(CLI::App* command, Arguments& arguments) {
  return command->add_option("--config", arguments.config, "JSON file with comments")->capture_default_str();
}

int run(int argc, char** argv) {
  CLI::App cli{"The coordinator of smgate: takes GitHub's webhooks, hands jobs to runners, judges what they report."};
  Arguments arguments;
  cli.set_version_flag("--version", "smgate-server " SMGATE_VERSION);
  cli.require_subcommand(1);
  CLI::App* serving = cli.add_subcommand("serve", "Serve until SIGTERM or SIGINT");
  CLI::App* points = cli.add_subcommand("crash-points", "List the places where tests stop this program");
  CLI::App* token = cli.add_subcommand("token", "Tokens by which runners connect");
  token->require_subcommand(1);
  CLI::App* create = token->add_subcommand("create", "Make a runner's token; prints it once");
  CLI::App* list = token->add_subcommand("list", "List runners and whether their tokens are valid");
  CLI::App* revoke = token->add_subcommand("revoke", "Shut a runner out");
  for (CLI::App* command : {serving, create, list, revoke}) add_config(command, arguments);
  for (CLI::App* command : {create, revoke})
    command->add_option("--runner", arguments.runner, "Name of the runner")->required();
  create->add_option("--arch", arguments.arch, "Its architecture, as in sm_89")->required();
  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return cli.exit(error) == 0 ? 0 : kUsage;
  }
  if (points->parsed()) return print_crash_points();
  if (create->parsed())
    return with_config(arguments.config,
                       [&](const Config& config) { return create_token(config, arguments.runner, arguments.arch); });
  if (list->parsed()) return with_config(arguments.config, list_tokens);
  if (revoke->parsed())
    return with_config(arguments.config, [&](const Config& config) { return revoke_token(config, arguments.runner); });
  return with_config(arguments.config, serve);
}

}  // namespace
}  // namespace smgate

int main(int argc, char** argv) { return smgate::run(argc, argv); }
