#include "server/commands.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <cstdio>
#include <filesystem>
#include <set>

#include "common/clock.hpp"
#include "common/random.hpp"
#include "server/store/api_tokens.hpp"
#include "server/store/crash_points.hpp"
#include "server/store/inline_store.hpp"
#include "server/store/runners.hpp"

namespace smgate {
namespace {

constexpr int kUsage = 2;

int refuse(const Error& error) {
  fmt::print(stderr, "smgate-server: {}\n", error.text());
  return kUsage;
}

store::InlineStore open_store(const Config& config) {
  std::filesystem::create_directories(config.database.parent_path());
  return store::InlineStore(config.database);
}

}  // namespace

int create_token(const Config& config, const std::string& runner, const std::string& arch) {
  const Result<RunnerName> name = parse_runner_name(runner);
  if (!name) return refuse(name.error());
  const Result<Arch> parsed = parse_arch(arch);
  if (!parsed) return refuse(parsed.error());
  SystemRandom random;
  store::InlineStore store = open_store(config);
  const std::string token = store.write(
      [&](store::Tx& tx) { return store::create_runner_token(tx, *name, *parsed, SystemClock().now_ms(), random); });
  fmt::print("{}\n", token);
  fmt::print(stderr, "smgate-server: this is the token of {}; it is shown once. Any older one no longer counts.\n",
             runner);
  return 0;
}

int list_tokens(const Config& config) {
  store::InlineStore store = open_store(config);
  const auto runners = store.read([](store::ReadTx& tx) { return store::list_runners(tx); });
  for (const store::Runner& runner : runners)
    fmt::print("{}\t{}\t{}\tcreated {}\tlast seen {}\n", runner.name.value, runner.arch.value,
               runner.revoked ? "revoked" : "valid", to_rfc3339(runner.created_ms),
               runner.last_seen_ms ? to_rfc3339(*runner.last_seen_ms) : "never");
  const auto tokens = store.read([](store::ReadTx& tx) { return store::list_api_tokens(tx); });
  for (const store::ApiToken& token : tokens)
    fmt::print("{}\tapi:{}\t{}\tcreated {}\n", token.name, fmt::join(token.scopes, ","),
               token.revoked ? "revoked" : "valid", to_rfc3339(token.created_ms));
  return 0;
}

int revoke_token(const Config& config, const std::string& runner) {
  const Result<RunnerName> name = parse_runner_name(runner);
  if (!name) return refuse(name.error());
  store::InlineStore store = open_store(config);
  if (store.write([&](store::Tx& tx) { return store::revoke_runner(tx, *name); })) return 0;
  return refuse({fmt::format("there is no runner {} with a valid token", runner), "", "see smgate-server token list"});
}

int create_api_token(const Config& config, const std::string& name, const std::string& scopes) {
  const Result<RunnerName> parsed = parse_runner_name(name);  // names of tokens follow the same rule
  if (!parsed) return refuse(parsed.error());
  const Result<std::set<std::string>> scope_set = store::parse_scopes(scopes);
  if (!scope_set) return refuse(scope_set.error());
  SystemRandom random;
  store::InlineStore store = open_store(config);
  const std::string token = store.write([&](store::Tx& tx) {
    return store::create_api_token(tx, name, *scope_set, SystemClock().now_ms(), random);
  });
  fmt::print("{}\n", token);
  fmt::print(stderr, "smgate-server: this is the API token {}; it is shown once. Any older one no longer counts.\n", name);
  return 0;
}

int revoke_api_token(const Config& config, const std::string& name) {
  store::InlineStore store = open_store(config);
  if (store.write([&](store::Tx& tx) { return store::revoke_api_token(tx, name); })) return 0;
  return refuse({fmt::format("there is no valid API token {}", name), "", "see smgate-server token list"});
}

int print_crash_points() {
  for (const std::string_view name : store::kCrashPoints) fmt::print("{}\n", name);
  return 0;
}

}  // namespace smgate
