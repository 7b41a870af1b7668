#include "common/protocol/messages.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/base64.hpp"
#include "common/protocol/names.hpp"

namespace smgate::protocol {
namespace {

using nlohmann::json;

template <class Enum, std::size_t N>
std::string_view name_of(const Names<Enum, N>& names, Enum value) {
  const auto it = std::find_if(names.begin(), names.end(), [value](const auto& entry) { return entry.first == value; });
  return it == names.end() ? std::string_view{} : it->second;
}

json write(const Device& device) {
  return {{"name", device.name},
          {"memory_bytes", device.memory_bytes},
          {"unified", device.unified},
          {"emulated", device.emulated}};
}

json write(const std::vector<HeldJob>& held) {
  json list = json::array();
  for (const HeldJob& job : held) list.push_back({{"job", job.job.value}, {"lease", job.lease.value}});
  return list;
}

json write(const Stage& stage) {
  return {{"name", stage.name},
          {"argv", stage.argv},
          {"timeout_s", stage.timeout_s},
          {"env", stage.env},
          {"feeds", to_string(stage.feeds)}};
}

json write(const StageBegin& body) { return {{"kind", "stage_begin"}, {"stage", body.stage}}; }
json write(const StageEnd& body) {
  return {{"kind", "stage_end"},         {"stage", body.stage},   {"outcome", to_string(body.outcome)},
          {"exit_code", body.exit_code}, {"signal", body.signal}, {"duration_ms", body.duration_ms}};
}
json write(const LogChunk& body) {
  return {{"kind", "log"}, {"stage", body.stage}, {"data", base64_encode(body.bytes)}};
}
json write(const EventChunk& body) {
  return {{"kind", "events"}, {"part", body.part}, {"file", body.file}, {"lines", body.lines}};
}
json write(const Finished& body) {
  return {{"kind", "finished"}, {"outcome", to_string(body.outcome)}, {"text", body.text}};
}

template <class Message>
json about_lease(std::string_view type, const Message& message) {
  return {{"type", type}, {"job", message.job.value}, {"lease", message.lease.value}};
}

json write(const Hello& message) {
  return {{"type", "hello"},
          {"protocol", message.protocol},
          {"runner", message.runner.value},
          {"arch", message.arch.value},
          {"host", message.host},
          {"version", message.version},
          {"device", write(message.device)},
          {"slots", message.slots},
          {"draining", message.draining},
          {"held", write(message.held)}};
}
json write(const Heartbeat& message) {
  return {{"type", "heartbeat"}, {"draining", message.draining}, {"held", write(message.held)}};
}
json write(const Item& message) {
  json object = about_lease("item", message);
  object["seq"] = message.seq;
  object["body"] = std::visit([](const auto& body) { return write(body); }, message.body);
  return object;
}

json write(const Welcome& message) {
  return {{"type", "welcome"}, {"heartbeat_ms", message.heartbeat_ms}, {"lease_ms", message.lease_ms}};
}
json write(const Assign& message) {
  json object = about_lease("assign", message);
  object["attempt"] = message.attempt;
  object["repository"] = message.repository;
  object["clone_url"] = message.clone_url;
  object["commit"] = message.commit.value;
  object["ref"] = message.ref;
  if (message.credential)
    object["credential"] = {{"username", message.credential->username},
                            {"password", message.credential->password.reveal()}};
  object["arch"] = message.arch.value;
  object["stages"] = json::array();
  for (const Stage& stage : message.stages) object["stages"].push_back(write(stage));
  object["stability"] = message.stability;
  object["controls"] = message.controls;
  if (message.adapter) object["adapter"] = json::parse(*message.adapter);
  object["deadline_s"] = message.deadline_s;
  return object;
}
json write(const Ack& message) {
  json object = about_lease("ack", message);
  object["seq"] = message.seq;
  return object;
}
json write(const Resume& message) {
  json object = about_lease("resume", message);
  object["next_seq"] = message.next_seq;
  return object;
}
json write(const Cancel& message) {
  json object = about_lease("cancel", message);
  object["reason"] = message.reason;
  return object;
}
json write(const Refuse& message) {
  json object = about_lease("refuse", message);
  object["reason"] = message.reason;
  return object;
}

// Events lines come from a workload and may be invalid UTF-8, which JSON cannot hold: such bytes become U+FFFD.
std::string print(const json& object) { return object.dump(-1, ' ', false, json::error_handler_t::replace); }

}  // namespace

std::string to_text(const FromRunner& message) {
  return print(std::visit([](const auto& alternative) { return write(alternative); }, message));
}

std::string to_text(const FromCoordinator& message) {
  return print(std::visit([](const auto& alternative) { return write(alternative); }, message));
}

std::string_view to_string(StageOutcome outcome) { return name_of(kStageOutcomes, outcome); }
std::string_view to_string(JobOutcome outcome) { return name_of(kJobOutcomes, outcome); }
std::string_view to_string(Feeds feeds) { return name_of(kFeeds, feeds); }

std::optional<Feeds> parse_feeds(std::string_view text) {
  for (const auto& [value, name] : kFeeds)
    if (name == text) return value;
  return std::nullopt;
}

bool is_plain_name(std::string_view text, std::size_t length_max) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  return !text.empty() && text.size() <= length_max && text.front() != '.' && text.front() != '-' &&
         std::all_of(text.begin(), text.end(), plain);
}

}  // namespace smgate::protocol
