#include "server/intake/webhook_fields.hpp"

#include <charconv>
#include <ctime>
#include <optional>
#include <set>

#include "server/store/deliveries.hpp"

namespace smgate::intake {
namespace {

// The fields read below. All else, a push's commits above all, is thrown away while parsing.
const std::set<std::string>& known_fields() {
  static const std::set<std::string> known = {"ref",
                                              "before",
                                              "after",
                                              "deleted",
                                              "action",
                                              "number",
                                              "repository",
                                              "installation",
                                              "pull_request",
                                              "merge_group",
                                              "check_run",
                                              "check_suite",
                                              "requested_action",
                                              "issue",
                                              "comment",
                                              "sender",
                                              store::kPermissionField,
                                              "changes",
                                              "reason",
                                              "repositories",
                                              "repositories_added",
                                              "repositories_removed"};
  return known;
}

std::optional<int> number_at(std::string_view text, std::size_t at, std::size_t length) {
  int value = 0;
  const char* end = text.data() + at + length;
  const auto [stopped, error] = std::from_chars(text.data() + at, end, value);
  return error == std::errc() && stopped == end ? std::optional(value) : std::nullopt;
}

// 2019-05-15T15:20:33Z: the one form in which GitHub writes UTC.
std::optional<std::int64_t> parse_utc_ms(std::string_view text) {
  constexpr std::string_view kForm = "0000-00-00T00:00:00Z";
  if (text.size() != kForm.size()) return std::nullopt;
  for (const std::size_t i : {4U, 7U, 10U, 13U, 16U, 19U})
    if (text[i] != kForm[i]) return std::nullopt;
  const auto year = number_at(text, 0, 4), month = number_at(text, 5, 2), day = number_at(text, 8, 2),
             hour = number_at(text, 11, 2), minute = number_at(text, 14, 2), second = number_at(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  if (*month < 1 || *month > 12 || *day < 1 || *day > 31 || *hour > 23 || *minute > 59 || *second > 60)
    return std::nullopt;
  std::tm utc{};
  utc.tm_year = *year - 1900;
  utc.tm_mon = *month - 1;
  utc.tm_mday = *day;
  utc.tm_hour = *hour;
  utc.tm_min = *minute;
  utc.tm_sec = *second;
  return std::int64_t{timegm(&utc)} * 1000;
}

}  // namespace

nlohmann::json parse_payload(std::string_view payload) {
  const auto keep = [](int depth, nlohmann::json::parse_event_t event, nlohmann::json& value) {
    if (depth != 1 || event != nlohmann::json::parse_event_t::key) return true;
    return known_fields().contains(value.get_ref<const std::string&>());
  };
  return nlohmann::json::parse(payload, keep, false);
}

CommitSha read_commit(JsonReader& reader, const std::string& field) {
  const std::string text = reader.string(field, std::nullopt);
  const Result<CommitSha> sha = parse_commit_sha(text);
  if (!text.empty() && !sha) reader.mistake(field, sha.error().text());
  return sha ? *sha : CommitSha{};
}

JsonReader* read_object(JsonReader& reader, const std::string& field) {
  JsonReader* nested = reader.object(field);
  if (nested == nullptr) reader.mistake(field, "is required");
  return nested;
}

std::int64_t read_time_ms(JsonReader& reader, const std::string& field) {
  if (reader.has(field) && reader.value().at(field).is_number_integer())
    return reader.integer(field, std::nullopt, {0, INT64_MAX / 1000}) * 1000;
  const std::string text = reader.string(field, std::nullopt);
  const std::optional<std::int64_t> time_ms = parse_utc_ms(text);
  if (!text.empty() && !time_ms) reader.mistake(field, "must be a time as in 2019-05-15T15:20:33Z");
  return time_ms.value_or(0);
}

RepositoryRef read_repository(JsonReader& document) {
  RepositoryRef repository;
  if (JsonReader* reader = read_object(document, "repository")) {
    repository.full_name = reader->string("full_name", std::nullopt);
    repository.clone_url = reader->string("clone_url", std::nullopt);
    repository.default_branch = reader->string("default_branch", std::nullopt);
    if (reader->has("private")) repository.is_private = reader->boolean("private", std::nullopt);
  }
  if (document.has("installation") && document.value().at("installation").is_object())
    repository.installation = document.object("installation")->integer("id", std::nullopt, kPositive);
  return repository;
}

std::string read_sender(JsonReader& document) {
  JsonReader* sender = read_object(document, "sender");
  return sender == nullptr ? "" : sender->string("login", std::nullopt);
}

}  // namespace smgate::intake
