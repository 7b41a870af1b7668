#include "runner/agent/config.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/file.hpp"
#include "common/json_reader.hpp"

namespace smgate::agent {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kConfigBytesMax = 256U << 10U;
constexpr std::size_t kTokenBytesMax = 4096;
constexpr std::size_t kHiddenMax = 64;  // each is a mount for each stage
constexpr const char* kTarget = "/runner/v1";
constexpr IntegerRange kSeconds{1, 7 * 86'400};
constexpr IntegerRange kMebibytes{1, 1 << 20};  // up to a TiB

std::map<std::string, std::string> variables(JsonReader& reader, const std::string& field) {
  std::map<std::string, std::string> values;
  JsonReader* object = reader.object(field);
  if (object == nullptr || !object->value().is_object()) return values;
  for (const auto& entry : object->value().items()) {
    if (entry.key().empty() || entry.key().find('=') != std::string::npos)
      object->mistake(entry.key(), "is no name of an environment variable");
    values[entry.key()] = object->string(entry.key(), std::nullopt);
  }
  return values;
}

template <class Parse>
auto parsed(JsonReader& reader, const std::string& field, Parse parse) {
  const std::string text = reader.string(field, std::nullopt);
  auto value = parse(text);
  if (value) return *value;
  if (reader.has(field)) reader.mistake(field, value.error().text());
  return typename std::remove_cvref_t<decltype(*value)>{};
}

void read_identity(JsonReader& reader, AgentConfig& config) {
  config.server = reader.string("server", std::nullopt);
  config.address = parsed(reader, "server", parse_server_address);
  config.ca_file = reader.string("ca_file", "");
  config.name = parsed(reader, "name", parse_runner_name);
  config.arch = parsed(reader, "arch", parse_arch);
  config.data_folder = reader.string("data_folder", "/var/lib/smgate-runner");
  if (config.data_folder.is_relative()) reader.mistake("data_folder", "must be an absolute path");
  config.log_level = reader.one_of("log_level", "info", {"trace", "debug", "info", "warn", "error"});
}

void read_token(JsonReader& reader, const fs::path& beside, AgentConfig& config) {
  config.token = reader.string("token", "");
  const std::string file = reader.string("token_file", "");
  if (config.token.empty() == file.empty()) return reader.mistake("token", "give either token or token_file");
  if (!file.empty()) {
    const Result<std::string> text = read_file(beside / file, kTokenBytesMax);
    if (!text) return reader.mistake("token_file", text.error().text());
    config.token = *text;
  }
  while (!config.token.empty() && (config.token.back() == '\n' || config.token.back() == '\r')) config.token.pop_back();
  const auto printable = [](char c) { return c > ' ' && c <= '~'; };
  if (config.token.empty() || !std::all_of(config.token.begin(), config.token.end(), printable))
    reader.mistake(file.empty() ? "token" : "token_file", "is no token: create one with smgate-server token create");
}

void read_device(JsonReader& reader, AgentConfig& config) {
  JsonReader* device = reader.object("device");
  if (device == nullptr) return reader.mistake("device", "is required");
  config.device.name = device->string("name", std::nullopt);
  config.device.memory_bytes =
      static_cast<std::uint64_t>(device->integer("memory_bytes", std::nullopt, {0, INT64_MAX}));
  config.device.unified = device->boolean("unified", false);
  config.device.emulated = device->boolean("emulated", false);
  device->finish();
}

void read_git(JsonReader& reader, AgentConfig& config) {
  JsonReader* git = reader.object("git");
  if (git == nullptr) return;
  if (git->has("protocols")) config.git.protocols = git->strings("protocols", {1, 3});
  for (const std::string& protocol : config.git.protocols)
    if (protocol != "https" && protocol != "ssh" && protocol != "file")
      git->mistake("protocols", "may hold https, ssh and file");  // ext:: would be a command line
  config.git.env = variables(*git, "env");
  config.git.fetch_timeout = std::chrono::seconds(git->integer("fetch_timeout_s", 600, kSeconds));
  git->finish();
}

void read_sandbox(JsonReader& reader, const fs::path& file, AgentConfig& config) {
  config.hidden = {file, config.data_folder};
  const std::string token_file = reader.string("token_file", "");
  if (!token_file.empty()) config.hidden.push_back(file.parent_path() / token_file);
  JsonReader* sandbox = reader.object("sandbox");
  if (sandbox == nullptr) return;
  config.sandbox = sandbox->boolean("enabled", true);
  if (sandbox->has("hide"))
    for (const std::string& path : sandbox->strings("hide", {1, kHiddenMax})) {
      if (fs::path(path).is_relative()) sandbox->mistake("hide", "must hold absolute paths");
      config.hidden.emplace_back(path);
    }
  sandbox->finish();
}

void read_limits(JsonReader& reader, AgentConfig& config) {
  static const nlohmann::json none = nlohmann::json::object();
  JsonReader defaults(none);
  JsonReader* given = reader.object("limits");
  JsonReader& limits = given != nullptr ? *given : defaults;
  config.limits.grace = std::chrono::milliseconds(limits.integer("grace_ms", 10'000, {0, 600'000}));
  config.limits.log_bytes_max = static_cast<std::uint64_t>(limits.integer("log_mib", 256, kMebibytes)) << 20U;
  config.limits.events_bytes_max = static_cast<std::uint64_t>(limits.integer("events_mib", 256, kMebibytes)) << 20U;
  config.limits.niceness = static_cast<int>(limits.integer("niceness", 5, {0, 19}));
  config.drain_timeout_ms = limits.integer("drain_timeout_s", 600, {0, kSeconds.max}) * 1000;
  config.reconnect_max_ms = limits.integer("reconnect_max_ms", 15'000, {100, 600'000});
  config.free_disk_bytes_min = static_cast<std::uint64_t>(limits.integer("free_disk_mib", 1024, {0, kMebibytes.max}))
                               << 20U;
  limits.finish();
}

// Stages should get no secrets through `env`, but where somebody puts one there, the log does not show it.
std::map<std::string, std::string> without_secrets(std::map<std::string, std::string> variables) {
  for (auto& [name, value] : variables)
    for (const char* word : {"TOKEN", "SECRET", "PASS", "KEY", "CREDENTIAL"})
      if (name.find(word) != std::string::npos) value = "(not shown)";
  return variables;
}

std::vector<std::string> texts(const std::vector<fs::path>& paths) { return {paths.begin(), paths.end()}; }

}  // namespace

Result<ServerAddress> parse_server_address(const std::string& text) {
  const Error wrong("\"" + text.substr(0, 200) + "\" is no address of a coordinator", "",
                    "write it as in wss://gate.example.com or ws://127.0.0.1:8080");
  ServerAddress address;
  address.tls = text.rfind("wss://", 0) == 0;
  if (!address.tls && text.rfind("ws://", 0) != 0) return wrong;
  const std::size_t start = text.find("//") + 2;
  const std::size_t path = text.find('/', start);
  const std::string authority = text.substr(start, path == std::string::npos ? path : path - start);
  address.target = path == std::string::npos || path + 1 == text.size() ? kTarget : text.substr(path);
  const std::size_t bracket = authority.rfind(']');  // [::1]:8080
  const std::size_t colon = authority.find(':', bracket == std::string::npos ? 0 : bracket);
  address.host = authority.substr(0, colon);
  address.port = colon == std::string::npos ? (address.tls ? "443" : "80") : authority.substr(colon + 1);
  if (address.host.size() > 2 && address.host.front() == '[') address.host = address.host.substr(1, bracket - 1);
  const bool digits =
      std::all_of(address.port.begin(), address.port.end(), [](char c) { return c >= '0' && c <= '9'; });
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (address.host.empty() || address.port.empty() || address.port.size() > 5 || !digits || !plain ||
      address.host.find('@') != std::string::npos)
    return wrong;
  return address;
}

Result<AgentConfig> parse_agent_config(std::string_view text, const fs::path& file) {
  const Result<nlohmann::json> document = parse_json_with_comments(text);
  if (!document) return Error{document.error().text(), file.string(), "correct the file"};
  JsonReader reader(*document);
  AgentConfig config;
  read_identity(reader, config);
  read_token(reader, file.parent_path(), config);
  read_device(reader, config);
  config.env = variables(reader, "env");
  read_git(reader, config);
  read_sandbox(reader, fs::absolute(file), config);
  read_limits(reader, config);
  reader.has("$schema");
  reader.finish();
  if (!reader.mistakes().empty()) return join_mistakes(reader.mistakes(), file.string());
  return config;
}

Result<AgentConfig> load_agent_config(const fs::path& file) {
  const Result<std::string> text = read_file(file, kConfigBytesMax);
  if (!text) return text.error();
  return parse_agent_config(*text, file);
}

std::string describe(const AgentConfig& config) {
  using nlohmann::ordered_json;
  const ordered_json values{
      {"server", config.server},
      {"ca_file", config.ca_file.string()},
      {"name", config.name.value},
      {"arch", config.arch.value},
      {"data_folder", config.data_folder.string()},
      {"device",
       {{"name", config.device.name},
        {"memory_bytes", config.device.memory_bytes},
        {"unified", config.device.unified},
        {"emulated", config.device.emulated}}},
      {"env", without_secrets(config.env)},
      {"git",
       {{"protocols", config.git.protocols},
        {"env", std::to_string(config.git.env.size()) + " variables, not shown"},  // they hold credentials
        {"fetch_timeout_s", config.git.fetch_timeout.count() / 1000}}},
      {"sandbox", {{"enabled", config.sandbox}, {"hide", texts(config.hidden)}}},
      {"limits",
       {{"grace_ms", config.limits.grace.count()},
        {"log_mib", config.limits.log_bytes_max >> 20U},
        {"events_mib", config.limits.events_bytes_max >> 20U},
        {"niceness", config.limits.niceness},
        {"drain_timeout_s", config.drain_timeout_ms / 1000},
        {"reconnect_max_ms", config.reconnect_max_ms},
        {"free_disk_mib", config.free_disk_bytes_min >> 20U}}},
      {"log_level", config.log_level}};
  return values.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace smgate::agent
