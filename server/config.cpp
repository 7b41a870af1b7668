#include "server/config.hpp"

#include <spdlog/fmt/fmt.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "common/file.hpp"
#include "common/git.hpp"
#include "common/json_reader.hpp"
#include "server/github/jwt.hpp"
#include "server/github/url.hpp"

namespace smgate {
namespace {

constexpr std::int64_t kRepositoriesMax = 1000;
constexpr std::size_t kSecretBytesMin = 16;  // shorter ones can be guessed from one signed delivery
constexpr std::size_t kSecretFileBytesMax = 4096;

std::filesystem::path resolved(const std::string& path, const std::filesystem::path& file) {
  return path.empty() ? std::filesystem::path() : (file.parent_path() / path).lexically_normal();
}

// "127.0.0.1:8080" or "[::1]:8080".
void read_listen(JsonReader& reader, Config& config) {
  if (!reader.has("listen")) return;
  const std::string text = reader.string("listen", "");
  const std::size_t colon = text.rfind(':');
  const std::string digits = colon == std::string::npos ? "" : text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  std::string address = text.substr(0, colon);
  if (address.size() > 2 && address.front() == '[' && address.back() == ']')
    address = address.substr(1, address.size() - 2);
  if (address.empty() || error != std::errc() || end != digits.data() + digits.size())
    return reader.mistake("listen", "must be ADDRESS:PORT, as in 127.0.0.1:8080 or [::1]:8080; port 0 is any free one");
  config.address = address;
  config.port = port;
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  return text;
}

void read_secret(JsonReader& reader, Config& config, const std::filesystem::path& file) {
  const bool both = reader.has("webhook_secret") && reader.has("webhook_secret_file");
  const bool neither = !reader.has("webhook_secret") && !reader.has("webhook_secret_file");
  if (both || neither) return reader.mistake("webhook_secret", "is required, or else webhook_secret_file; not both");
  const std::string field = reader.has("webhook_secret") ? "webhook_secret" : "webhook_secret_file";
  config.webhook_secret = reader.string(field, "");
  if (field == "webhook_secret_file") {
    Result<std::string> secret = read_file(resolved(config.webhook_secret, file), kSecretFileBytesMax);
    if (!secret) return reader.mistake(field, secret.error().text());
    config.webhook_secret = trimmed(std::move(*secret));
  }
  if (config.webhook_secret.size() < kSecretBytesMin)
    reader.mistake(field,
                   fmt::format("must have at least {} bytes: make one with `openssl rand -hex 32`", kSecretBytesMin));
}

std::string read_secret_file(JsonReader& reader, const std::string& field, const std::filesystem::path& file) {
  if (!reader.has(field)) return "";
  Result<std::string> bytes = read_file(resolved(reader.string(field, ""), file), github::kKeyFileBytesMax);
  if (!bytes) {
    reader.mistake(field, bytes.error().text());
    return "";
  }
  if (trimmed(*bytes).empty()) reader.mistake(field, "is an empty file");
  return trimmed(std::move(*bytes));
}

void read_github(JsonReader& document, Config& config, const std::filesystem::path& file) {
  JsonReader* reader = document.object("github");
  if (reader == nullptr) return;
  GithubConfig& github = config.github;
  github.api_url = reader->string("api_url", github.api_url);
  while (!github.api_url.empty() && github.api_url.back() == '/') github.api_url.pop_back();
  const auto url = github::parse_url(github.api_url);
  if (!url || (!url->tls && !github::is_loopback(*url)))
    reader->mistake("api_url", "must be https://, as in https://api.github.com or https://HOST/api/v3");
  github.client_id = reader->string("client_id", "");
  github.private_key = read_secret_file(*reader, "private_key_file", file);
  github.token = read_secret_file(*reader, "token_file", file);
  github.ca_file = resolved(reader->string("ca_file", ""), file);
  if (github.client_id.empty() != !reader->has("private_key_file"))
    reader->mistake("client_id", "and private_key_file go together: both are the App's");
  if (reader->has("token_file") && reader->has("private_key_file"))
    reader->mistake("token_file", "stands for an App where there is none: not beside private_key_file");
  if (!github.private_key.empty())
    if (const auto key = github::AppKey::parse(github::Secret(github.private_key)); !key)
      reader->mistake("private_key_file", key.error().text());
  reader->finish();
}

bool is_full_name(const std::string& name) {
  const std::size_t slash = name.find('/');
  return slash != std::string::npos && slash > 0 && slash + 1 < name.size() &&
         name.find('/', slash + 1) == std::string::npos;
}

void read_repositories(JsonReader& reader, Config& config) {
  for (JsonReader* repository : reader.objects("repositories", {1, kRepositoriesMax})) {
    const std::string name = repository->string("name", std::nullopt);
    const std::string url = repository->string("clone_url", "");
    if (!name.empty() && !is_full_name(name)) repository->mistake("name", "must be owner/name");
    if (!url.empty() && !is_safe_clone_url(url))
      repository->mistake("clone_url", "must be an absolute path, file://, https://, ssh:// or user@host:path");
    if (!config.repositories.emplace(name, url).second) repository->mistake("name", "is listed twice");
    repository->finish();
  }
}

void read_limits(JsonReader& reader, Config& config) {
  JsonReader* limits = reader.object("limits");
  if (limits == nullptr) return;
  config.lease_ms = limits->integer("lease_ms", config.lease_ms, {1'000, 3'600'000});
  config.heartbeat_ms = limits->integer("heartbeat_ms", config.heartbeat_ms, {100, 600'000});
  if (config.heartbeat_ms * 3 > config.lease_ms)
    limits->mistake("heartbeat_ms", "must be at most a third of lease_ms, or one lost heartbeat costs a job");
  config.git_deadline_ms = limits->integer("git_deadline_ms", config.git_deadline_ms, {1'000, 3'600'000});
  config.recovery_ms = limits->integer("recovery_ms", config.recovery_ms, {1'000, 86'400'000});
  config.drain_ms = limits->integer("drain_ms", config.drain_ms, {100, 600'000});
  config.raw_days = limits->integer("raw_days", config.raw_days, {0, 36'500});
  config.store_readers = static_cast<int>(limits->integer("store_readers", config.store_readers, {1, 64}));
  limits->finish();
}

}  // namespace

Result<Config> parse_config(std::string_view text, const std::filesystem::path& file) {
  const Result<nlohmann::json> document = parse_json_with_comments(text);
  if (!document) return Error{document.error().text(), file.string(), ""};
  JsonReader reader(*document);
  Config config;
  reader.has("$schema");  // for editors
  read_listen(reader, config);
  config.port_file =
      reader.has("port_file") ? std::optional(resolved(reader.string("port_file", ""), file)) : std::nullopt;
  config.public_url = reader.string("public_url", "");
  config.data_folder = resolved(reader.string("data_folder", std::nullopt), file);
  config.database = resolved(reader.string("database", (config.data_folder / "smgate.db").string()), file);
  read_secret(reader, config, file);
  read_github(reader, config, file);
  config.emulated_satisfies_required = reader.boolean("emulated_satisfies_required", false);
  config.read_needs_token = reader.one_of("read_access", "open", {"open", "token"}) == "token";
  read_repositories(reader, config);
  read_limits(reader, config);
  config.log_level = reader.one_of("log_level", config.log_level, {"trace", "debug", "info", "warn", "error"});
  reader.finish();
  if (!reader.mistakes().empty()) return join_mistakes(reader.mistakes(), file.string());
  return config;
}

Result<Config> load_config(const std::filesystem::path& file) {
  const Result<std::string> text = read_file(file, kConfigBytesMax);
  if (!text) return text.error();
  return parse_config(*text, std::filesystem::absolute(file));
}

nlohmann::json to_json(const Config& config) {
  nlohmann::json repositories = nlohmann::json::array();
  for (const auto& [name, url] : config.repositories)
    repositories.push_back(url.empty() ? nlohmann::json{{"name", name}}
                                       : nlohmann::json{{"name", name}, {"clone_url", without_credentials(url)}});
  const bool ipv6 = config.address.find(':') != std::string::npos;
  return {{"listen", fmt::format(fmt::runtime(ipv6 ? "[{}]:{}" : "{}:{}"), config.address, config.port)},
          {"port_file", config.port_file ? nlohmann::json(config.port_file->string()) : nlohmann::json()},
          {"public_url", config.public_url},
          {"data_folder", config.data_folder.string()},
          {"database", config.database.string()},
          {"webhook_secret", "(not shown)"},
          {"github",
           {{"api_url", config.github.api_url},
            {"client_id", config.github.client_id},
            {"private_key", config.github.private_key.empty() ? "" : "(not shown)"},
            {"token", config.github.token.empty() ? "" : "(not shown)"},
            {"ca_file", config.github.ca_file.string()}}},
          {"read_access", config.read_needs_token ? "token" : "open"},
          {"emulated_satisfies_required", config.emulated_satisfies_required},
          {"repositories", std::move(repositories)},
          {"limits",
           {{"lease_ms", config.lease_ms},
            {"heartbeat_ms", config.heartbeat_ms},
            {"git_deadline_ms", config.git_deadline_ms},
            {"recovery_ms", config.recovery_ms},
            {"drain_ms", config.drain_ms},
            {"raw_days", config.raw_days},
            {"store_readers", config.store_readers}}},
          {"log_level", config.log_level}};
}

}  // namespace smgate
