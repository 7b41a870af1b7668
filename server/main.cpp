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
  std::string api;
  std::string scopes;
};

CLI::Option* add_config(CLI::App* command, Arguments& arguments) {
  return command->add_option("--config", arguments.config, "JSON file with comments")->capture_default_str();
}

// A token is a runner's, or one of the API.
void add_token_commands(CLI::App& cli, Arguments& arguments, std::function<int(const Config&)>& chosen) {
  CLI::App* token = cli.add_subcommand("token", "Tokens by which runners connect, and programs ask the API");
  token->require_subcommand(1);
  CLI::App* create = token->add_subcommand("create", "Make a token of a runner or of the API; prints it once");
  CLI::App* list = token->add_subcommand("list", "List tokens and whether they are valid");
  CLI::App* revoke = token->add_subcommand("revoke", "Shut a runner, or a user of the API, out");
  for (CLI::App* command : {create, list, revoke}) add_config(command, arguments);
  for (CLI::App* command : {create, revoke}) {
    CLI::Option_group* whose = command->add_option_group("whose");
    whose->add_option("--runner", arguments.runner, "Name of the runner");
    whose->add_option("--api", arguments.api, "Name of the API token");
    whose->require_option(1);
  }
  CLI::Option* arch = create->add_option("--arch", arguments.arch, "The runner's architecture, as in sm_89");
  CLI::Option* scope = create->add_option("--scope", arguments.scopes, "Of read,rerun,cancel,drain,approve");
  arch->excludes(scope);
  create->callback([&] {
    if (!arguments.runner.empty() && arguments.arch.empty()) throw CLI::RequiredError("--arch");
    if (!arguments.api.empty() && arguments.scopes.empty()) throw CLI::RequiredError("--scope");
    chosen = [&](const Config& config) {
      return arguments.api.empty() ? create_token(config, arguments.runner, arguments.arch)
                                   : create_api_token(config, arguments.api, arguments.scopes);
    };
  });
  list->callback([&] { chosen = list_tokens; });
  revoke->callback([&] {
    chosen = [&](const Config& config) {
      return arguments.api.empty() ? revoke_token(config, arguments.runner) : revoke_api_token(config, arguments.api);
    };
  });
}

int run(int argc, char** argv) {
  CLI::App cli{"The coordinator of smgate: takes GitHub's webhooks, hands jobs to runners, judges what they report."};
  Arguments arguments;
  std::function<int(const Config&)> chosen = serve;
  cli.set_version_flag("--version", "smgate-server " SMGATE_VERSION);
  cli.require_subcommand(1);
  add_config(cli.add_subcommand("serve", "Serve until SIGTERM or SIGINT"), arguments);
  CLI::App* points = cli.add_subcommand("crash-points", "List the places where tests stop this program");
  add_token_commands(cli, arguments, chosen);
  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return cli.exit(error) == 0 ? 0 : kUsage;
  }
  if (points->parsed()) return print_crash_points();
  return with_config(arguments.config, chosen);
}

}  // namespace
}  // namespace smgate

int main(int argc, char** argv) { return smgate::run(argc, argv); }
