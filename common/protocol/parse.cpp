// Reads messages strictly: every field is checked for presence, type and range before it becomes a value, since the
// other side may be hostile. Mistakes are collected and named by their JSON pointer.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/base64.hpp"
#include "common/contract/job_facts.hpp"
#include "common/contract/policy.hpp"
#include "common/json_reader.hpp"
#include "common/protocol/messages.hpp"
#include "common/protocol/names.hpp"

namespace smgate::protocol {
namespace {

using nlohmann::json;

constexpr IntegerRange kCount{0, INT64_MAX};
constexpr IntegerRange kSlots{1, 64};               // devices in one host
constexpr IntegerRange kHeld{0, 256};               // jobs that wait for acknowledgement after a long outage
constexpr IntegerRange kAttempts{1, 1000};          // far above any attempt cap
constexpr IntegerRange kDurationMs{1, 86'400'000};  // heartbeats and leases: a day
constexpr IntegerRange kDeadlineS{1, kDeadlineMax_s};
constexpr IntegerRange kExitCode{0, 255};     // wait(2)
constexpr IntegerRange kSignal{0, 128};       // Linux knows 64
constexpr IntegerRange kStages{1, 32};        // as in the gate file
constexpr IntegerRange kArguments{1, 1024};   // of a stage
constexpr std::size_t kTextMax = 64U << 10U;  // reasons, names, addresses: for a person
constexpr std::size_t kErrorMax = 1000;       // mistakes told back; a hostile peer chooses how many there are
constexpr std::size_t kVariablesMax = 256;    // environment of a stage

std::string text(JsonReader& reader, const std::string& field, std::size_t length_max = kTextMax) {
  std::string value = reader.string(field, std::nullopt);
  if (value.size() > length_max) {
    reader.mistake(field, "must have at most " + std::to_string(length_max) + " bytes");
    value.clear();
  }
  return value;
}

template <class Id>
Id ulid(JsonReader& reader, const std::string& field) {
  Id id{text(reader, field)};
  if (!id.empty() && !is_ulid(id.value)) reader.mistake(field, "must be a ULID");
  return id;
}

template <class Parse>
auto checked(JsonReader& reader, const std::string& field, Parse parse) {
  auto parsed = parse(text(reader, field));
  if (parsed) return *parsed;
  reader.mistake(field, parsed.error().text());
  return typename std::remove_cvref_t<decltype(*parsed)>{};
}

std::string plain_name(JsonReader& reader, const std::string& field, std::size_t length_max) {
  std::string name = text(reader, field);
  if (!is_plain_name(name, length_max))
    reader.mistake(field, "must be 1 to " + std::to_string(length_max) +
                              " letters, digits, '.', '_' and '-', not starting with '.' or '-'");
  return name;
}

template <class Enum, std::size_t N>
Enum one_of(JsonReader& reader, const std::string& field, const Names<Enum, N>& names) {
  std::vector<std::string> choices;
  for (const auto& entry : names) choices.emplace_back(entry.second);
  const std::string chosen = reader.one_of(field, std::nullopt, choices);
  for (const auto& [value, name] : names)
    if (name == chosen) return value;
  return names.front().first;
}

std::uint64_t sequence(JsonReader& reader, const std::string& field) {
  return static_cast<std::uint64_t>(reader.integer(field, std::nullopt, kCount));
}

JsonReader* required_object(JsonReader& reader, const std::string& field) {
  JsonReader* object = reader.object(field);
  if (object == nullptr) reader.mistake(field, "is required");
  return object;
}

std::vector<HeldJob> held(JsonReader& reader) {
  std::vector<HeldJob> jobs;
  if (!reader.has("held")) reader.mistake("held", "is required");
  for (JsonReader* entry : reader.objects("held", kHeld)) {
    jobs.push_back({ulid<JobId>(*entry, "job"), ulid<LeaseToken>(*entry, "lease")});
    entry->finish();
  }
  return jobs;
}

Device device(JsonReader& reader) {
  JsonReader* object = required_object(reader, "device");
  if (object == nullptr) return {};
  Device value{text(*object, "name"), sequence(*object, "memory_bytes"), object->boolean("unified", std::nullopt),
               object->boolean("emulated", std::nullopt)};
  object->finish();
  return value;
}

Hello hello(JsonReader& reader) {
  Hello message;
  message.protocol = static_cast<int>(reader.integer("protocol", std::nullopt, {1, INT32_MAX}));
  message.runner = checked(reader, "runner", parse_runner_name);
  message.arch = checked(reader, "arch", parse_arch);
  message.host = text(reader, "host");
  message.version = text(reader, "version");
  message.device = device(reader);
  message.slots = static_cast<int>(reader.integer("slots", std::nullopt, kSlots));
  message.draining = reader.boolean("draining", std::nullopt);
  message.held = held(reader);
  return message;
}

Heartbeat heartbeat(JsonReader& reader) { return {reader.boolean("draining", std::nullopt), held(reader)}; }

LogChunk log_chunk(JsonReader& reader) {
  LogChunk chunk{plain_name(reader, "stage", kStageNameMax), {}};
  auto bytes = base64_decode(text(reader, "data", kMessageBytesMax));
  if (!bytes) reader.mistake("data", "must be padded base 64");
  if (bytes && bytes->size() > kItemDataBytesMax)
    reader.mistake("data", "must hold at most " + std::to_string(kItemDataBytesMax) + " bytes");
  chunk.bytes = std::move(bytes).value_or("");
  return chunk;
}

StageEnd stage_end(JsonReader& reader) {
  return {plain_name(reader, "stage", kStageNameMax), one_of(reader, "outcome", kStageOutcomes),
          static_cast<int>(reader.integer("exit_code", std::nullopt, kExitCode)),
          static_cast<int>(reader.integer("signal", std::nullopt, kSignal)),
          reader.integer("duration_ms", std::nullopt, kCount)};
}

std::vector<std::string> controls(JsonReader& reader) {
  using contract::kControlNames;
  std::vector<std::string> list = reader.strings("controls", {0, kControlNames.size()});
  for (auto name = list.begin(); name != list.end(); ++name)
    if (std::find(kControlNames.begin(), kControlNames.end(), *name) == kControlNames.end() ||
        std::find(list.begin(), name, *name) != name)
      reader.mistake("controls", "must hold names of controls, each once");
  return list;
}

std::string part(JsonReader& reader) {
  std::vector<std::string> choices{std::string(contract::kPartMain), std::string(contract::kPartAgain)};
  for (const std::string_view control : contract::kControlNames)
    choices.push_back(std::string(contract::kPartControl).append(control));
  return reader.one_of("part", std::nullopt, choices);
}

EventChunk event_chunk(JsonReader& reader) {
  return {plain_name(reader, "file", kEventFileNameMax), text(reader, "lines", kItemDataBytesMax), part(reader)};
}

ItemBody item_body(JsonReader& reader) {
  const std::string kind =
      reader.one_of("kind", std::nullopt, {"stage_begin", "stage_end", "log", "events", "finished"});
  if (kind == "stage_end") return stage_end(reader);
  if (kind == "log") return log_chunk(reader);
  if (kind == "events") return event_chunk(reader);
  if (kind == "finished") return Finished{one_of(reader, "outcome", kJobOutcomes), text(reader, "text")};
  return StageBegin{plain_name(reader, "stage", kStageNameMax)};
}

Item item(JsonReader& reader) {
  Item message{ulid<JobId>(reader, "job"), ulid<LeaseToken>(reader, "lease"), sequence(reader, "seq"), StageBegin{}};
  if (JsonReader* body = required_object(reader, "body")) {
    message.body = item_body(*body);
    body->finish();
  }
  return message;
}

// What execve(2) takes as a name: anything else would be read as another variable, or not at all.
bool is_variable_name(std::string_view name) {
  return !name.empty() && name.find('=') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

bool has_nul(const std::string& value) { return value.find('\0') != std::string::npos; }

std::map<std::string, std::string> environment(JsonReader& reader) {
  std::map<std::string, std::string> variables;
  JsonReader* object = required_object(reader, "env");
  if (object == nullptr || !object->value().is_object()) return variables;
  if (object->value().size() > kVariablesMax) reader.mistake("env", "must hold at most 256 variables");
  for (const auto& entry : object->value().items()) {
    std::string value = text(*object, entry.key());
    if (!is_variable_name(entry.key()) || has_nul(value)) object->mistake(entry.key(), "is no environment variable");
    variables[entry.key()] = std::move(value);
  }
  object->finish();
  return variables;
}

std::vector<std::string> arguments(JsonReader& reader) {
  std::vector<std::string> list = reader.strings("argv", kArguments);
  for (const std::string& argument : list)
    if (has_nul(argument)) reader.mistake("argv", "must not hold a NUL");
  return list;
}

std::vector<Stage> stages(JsonReader& reader) {
  std::vector<Stage> list;
  for (JsonReader* object : reader.objects("stages", kStages)) {
    Stage stage;
    stage.name = plain_name(*object, "name", kStageNameMax);
    stage.argv = arguments(*object);
    stage.timeout_s = static_cast<int>(object->integer("timeout_s", std::nullopt, kDeadlineS));
    stage.env = environment(*object);
    stage.feeds = one_of(*object, "feeds", kFeeds);
    object->finish();
    list.push_back(std::move(stage));
  }
  return list;
}

std::optional<GitCredential> credential(JsonReader& reader) {
  JsonReader* object = reader.object("credential");
  if (object == nullptr) return std::nullopt;
  GitCredential value{text(*object, "username"), Secret(text(*object, "password"))};
  if (!is_safe_credential(value)) object->mistake("", "must be printable ASCII without a space");
  object->finish();
  return value;
}

Assign assign(JsonReader& reader) {
  Assign message;
  message.job = ulid<JobId>(reader, "job");
  message.lease = ulid<LeaseToken>(reader, "lease");
  message.attempt = static_cast<int>(reader.integer("attempt", std::nullopt, kAttempts));
  message.repository = text(reader, "repository");
  message.clone_url = text(reader, "clone_url");
  message.commit = checked(reader, "commit", parse_commit_sha);
  message.ref = text(reader, "ref");
  message.credential = credential(reader);
  message.arch = checked(reader, "arch", parse_arch);
  message.stages = stages(reader);
  message.stability = reader.boolean("stability", std::nullopt);
  message.controls = controls(reader);
  if (const JsonReader* adapter = reader.object("adapter")) message.adapter = adapter->value().dump();
  message.deadline_s = reader.integer("deadline_s", std::nullopt, kDeadlineS);
  return message;
}

Welcome welcome(JsonReader& reader) {
  return {reader.integer("heartbeat_ms", std::nullopt, kDurationMs),
          reader.integer("lease_ms", std::nullopt, kDurationMs)};
}

template <class Message>
Message numbered(JsonReader& reader, const std::string& field) {
  return {ulid<JobId>(reader, "job"), ulid<LeaseToken>(reader, "lease"), sequence(reader, field)};
}

template <class Message>
Message reasoned(JsonReader& reader) {
  return {ulid<JobId>(reader, "job"), ulid<LeaseToken>(reader, "lease"), text(reader, "reason")};
}

std::optional<FromRunner> read_from_runner(JsonReader& reader, const std::string& type) {
  if (type == "hello") return hello(reader);
  if (type == "heartbeat") return heartbeat(reader);
  if (type == "item") return item(reader);
  return std::nullopt;
}

std::optional<FromCoordinator> read_from_coordinator(JsonReader& reader, const std::string& type) {
  if (type == "welcome") return welcome(reader);
  if (type == "assign") return assign(reader);
  if (type == "ack") return numbered<Ack>(reader, "seq");
  if (type == "resume") return numbered<Resume>(reader, "next_seq");
  if (type == "cancel") return reasoned<Cancel>(reader);
  if (type == "refuse") return reasoned<Refuse>(reader);
  return std::nullopt;
}

Error unusable(std::string what, const char* next) {
  if (what.size() > kErrorMax) what = what.substr(0, kErrorMax) + "...";
  return {std::move(what), "message", next};
}

template <class Message, class Read>
Result<Message> parse(std::string_view bytes, Read read) {
  constexpr const char* kNext = "both sides must run the same release of smgate";
  if (bytes.size() > kMessageBytesMax)
    return unusable("is larger than " + std::to_string(kMessageBytesMax) + " bytes", kNext);
  const json document = json::parse(bytes, nullptr, false);
  if (document.is_discarded()) return unusable("is no JSON", kNext);
  JsonReader reader(document);
  const std::string type = reader.string("type", std::nullopt);
  std::optional<Message> message = read(reader, type);
  if (!message && reader.mistakes().empty())
    return unusable("type \"" + type.substr(0, kStageNameMax) + "\" is unknown", kNext);
  reader.finish();
  if (!message || !reader.mistakes().empty())
    return unusable(join_mistakes(reader.mistakes(), type.substr(0, kStageNameMax)).text(), kNext);
  return std::move(*message);
}

}  // namespace

Result<FromRunner> parse_from_runner(std::string_view text) { return parse<FromRunner>(text, read_from_runner); }

Result<FromCoordinator> parse_from_coordinator(std::string_view text) {
  return parse<FromCoordinator>(text, read_from_coordinator);
}

}  // namespace smgate::protocol
